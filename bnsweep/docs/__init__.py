"""What pages of `docs/` say of the sweep file and the tables, made of the specs and the schemas themselves."""
