"""What `report` works with: results read back, tables, figures and templates."""
