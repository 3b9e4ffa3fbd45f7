"""Steps: declared for KFP, one typed call into the library each."""
