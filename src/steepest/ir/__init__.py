"""What a computation is: types, ops, nodes, graphs, and their meaning."""
