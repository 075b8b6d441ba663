"""What scores say: tables in, tables and answers out; nothing is drawn here.

Imports `lab` and what is below it."""
