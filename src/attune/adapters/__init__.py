"""The only modules that import feast, dvc and evidently, one file each."""
