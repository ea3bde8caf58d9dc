"""Rules put beside backpropagation: the same network, data, seeds and epochs, a rate tuned at the same cost for each.

`plan` settles what is to be run, `row` runs one rule in a process of its own, `pool` runs all rows, `verdict` makes the statistics, and
`table`, `figures` and `report` show them. A comparison is a directory of ordinary runs; what is finished is never run again.
"""
