"""What is declared, as values: languages, tasks, recipes, studies, profiles. Reads nothing but its own YAML.

Imports `core`."""
