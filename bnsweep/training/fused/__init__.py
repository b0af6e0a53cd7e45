"""Several trials of one program, trained as one: K members, which differ in seed, initial weights, rates and decays.

Activations of maps are (B, K C, H, W), the members' channels side by side; those of fully connected layers (K, F, B).
A parameter is the members' parameters along its first dimension, and each member's own module looks at its part of it:
so whatever reads a member, an evaluation, a probe, reads what the joint step moves.

Shapes: K members, B samples of a mini-batch, C channels, F features, P parameters.
"""
