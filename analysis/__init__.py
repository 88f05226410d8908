"""Analysis of run records: clinical response, tables, figures, animations and the report."""

if __name__ != "lesionlab.analysis":
    raise ImportError("import lesionlab.analysis: under its bare name every module would be loaded a second time")
