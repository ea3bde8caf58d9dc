"""Sweeps: every combination of settings, or a search among them, packed into batched runs and spread over processes or a cluster.

`grammar` reads what a key may be, `cells` makes and checks the combinations, `packing` puts cells that differ in numbers per replica into
one run, `job` runs a pack and keeps its result, `local` and `cluster` spread jobs, `search` asks Optuna for cells, and `results`, `table`,
`figures` and `report` show them. A sweep is a directory of ordinary runs; what is finished is never run again.
"""
