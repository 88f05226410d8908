"""One run and many: from the first state to the record, gone on with, forked, on one core or on many."""
