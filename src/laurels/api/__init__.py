"""
What the world says to us, and what we answer.

Each API has a folder: its words, its shapes, its error table. What both need stands beside them.
Nothing here decides anything: a request becomes a command, a receipt becomes a reply.
"""
