"""What is read from run records: clinical response, tables, figures, moving pictures and the report."""

if __name__ != "lesionlab.analysis":
    raise ImportError("import lesionlab.analysis: under its bare name every module would be loaded a second time")
