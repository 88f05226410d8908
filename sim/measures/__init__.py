"""What is measured of a state: the series of a record and the size of a lesion."""
