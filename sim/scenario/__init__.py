"""What a user may ask for: scenario files, read, checked and turned into arms."""
