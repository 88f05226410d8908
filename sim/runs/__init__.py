"""One run or many, from the first state to the record: started, continued or forked, on one core or many."""
