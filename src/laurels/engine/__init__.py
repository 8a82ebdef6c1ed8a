"""One unit of work: fetch what a batch needs, decide it, record it, hand out receipts."""
