//! Every limit of this crate in one place, each with its reason.
//!
//! A peer chooses the lengths in what it sends; these constants decide how far it may go before a PDU is refused. Nothing
//! in the crate allocates what a peer merely claims: buffers grow with bytes that have arrived, and stop here.

/// Largest PDU, in bytes: `frag_length` is 16 bits wide, so that a single PDU can never be larger.
pub const PDU: usize = 65_535;

/// Largest fragment that an association proposes or accepts, in bytes.
///
/// The largest multiple of eight that fits `frag_length`, so that stubs keep their alignment from fragment to fragment.
pub const LARGEST_FRAGMENT: u16 = 65_528;

/// The fragment size of Windows over TCP, in bytes; four Ethernet segments.
pub const WINDOWS_FRAGMENT: u16 = 5_840;

/// Every implementation must receive fragments of this many bytes, C706 12.6.2 (MustRecvFragSize).
///
/// A peer that claims less gets fragments of this size all the same: a smaller one would leave no room for a stub.
pub const SMALLEST_FRAGMENT: u16 = 1_432;

/// Largest request stub that a server collects, in bytes.
///
/// \[MS-RPCE\] 3.3.3.5.4 allows 4 MiB. The largest request here is a certificate or a security descriptor; 1 MiB is ample
/// and bounds what a connection can make the server hold.
pub const REQUEST_STUB: usize = 1 << 20;

/// Largest reply stub that a client collects, in bytes.
///
/// BackupReadFile replies with up to 4 MiB of file data; views and lists stay below that.
pub const REPLY_STUB: usize = 16 << 20;

/// Presentation contexts per connection.
///
/// Windows and impacket use one to four; a connection for DCOM adds one per interface that it calls.
pub const PRESENTATION_CONTEXTS: usize = 32;

/// Security contexts per connection, failed handshakes included, so that it also bounds the attempts on one connection.
pub const SECURITY_CONTEXTS: usize = 8;

/// Legs of one handshake. Kerberos and NTLM take three, SPNEGO around them at most five.
pub const LEGS: usize = 8;

/// Endpoint-mapper towers in one ept_map request or reply: the `range(0,500)` of \[MS-RPCE\] 2.2.1.2.5.
pub const TOWERS: usize = 500;

/// Floors of a tower; more are refused, \[MS-RPCE\] 3.1.3.5.3.
pub const FLOORS: usize = 6;

/// Largest tower in octets, \[MS-RPCE\] 2.2.1.2.2 (`range(0, 2000)` of tower_length).
pub const TOWER: usize = 2_000;

/// Commands in a verification trailer: one of each kind that is defined, and room for as many to come.
pub const VERIFICATION_COMMANDS: usize = 8;
