"""Spiking networks beside the simulator's parts: tasks and losses, what they are found to do, conversion of trained networks."""
