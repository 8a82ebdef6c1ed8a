"""Every statement the store runs, by name. What differs between databases stands side by side."""
