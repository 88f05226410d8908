"""What is read from run records: clinical response, tables, figures, moving pictures and the report."""
