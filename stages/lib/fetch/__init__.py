"""What `fetch` works with: sources, connections, what arrived and what came of it."""
