"""What a patient is given: courses of radiotherapy and drugs."""
