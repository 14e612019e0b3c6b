//! Bytes between nodes: the libp2p swarm and the quinn bulk channel. It carries; it decides nothing.
