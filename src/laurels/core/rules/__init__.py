"""What each kind of rule does with a fact that it hears: one module a kind."""
