"""`tagline setup`: one module per step of the page, joining settings, forges and models."""
