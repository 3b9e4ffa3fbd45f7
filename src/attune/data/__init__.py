"""Tables: contracts, sources, cleaning, pseudonyms, labels and splits."""
