//! DCE/RPC connection-oriented protocol: PDUs, NDR, fragments, associations; bytes in, values out
