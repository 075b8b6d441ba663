"""`xlt new-task`: looks at records, writes a params file for them, and shows what to check by eye."""
