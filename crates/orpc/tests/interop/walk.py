"""Activation, object calls, reference counts, pings and refusals by impacket.

Usage: walk.py HOST PORT        (the address of examples/echo_server.rs)
"""

import sys

from impacket.dcerpc.v5 import epm, transport
from impacket.dcerpc.v5.dcomrt import (
    DCOMANSWER, DCOMCALL, IID, DCOMConnection, IActivation, IID_IActivation, IID_IRemUnknown, IObjectExporter, IRemUnknown,
    RemQueryInterface,
)
from impacket.dcerpc.v5.dtypes import DWORD, ULONG
from impacket.dcerpc.v5.ndr import NDRUniConformantArray
from impacket.dcerpc.v5.rpcrt import (
    RPC_C_AUTHN_LEVEL_CONNECT, RPC_C_AUTHN_LEVEL_PKT_INTEGRITY, RPC_C_AUTHN_LEVEL_PKT_PRIVACY, DCERPCException,
)
from impacket.uuid import string_to_bin, uuidtup_to_bin

HOST, PORT = sys.argv[1], int(sys.argv[2])
USER, PASSWORD = "alice", "Alice's password"
CLSID_ECHO = string_to_bin("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0001")
IID_ECHO = uuidtup_to_bin(("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0002", "0.0"))
IID_ECHO2 = uuidtup_to_bin(("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0003", "0.0"))
IID_PLAIN = uuidtup_to_bin(("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0004", "1.0"))
IID_NOBODY = uuidtup_to_bin(("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f00ff", "0.0"))

# impacket connects to 135 whatever it is told; the constructor's default is the only place to change that.
defaults = list(transport.TCPTransport.__init__.__defaults__)
transport.TCPTransport.__init__.__defaults__ = tuple([PORT] + defaults[1:])


class DCERPCSessionError(DCERPCException):
    """A failing HRESULT, which impacket takes from the last four bytes of the reply."""

    def __init__(self, error_string=None, error_code=None, packet=None):
        DCERPCException.__init__(self, error_string, error_code, packet)

    def __str__(self):
        return "HRESULT 0x%08x" % (self.error_code & 0xFFFFFFFF)


class BYTES(NDRUniConformantArray):
    item = "c"


class Echo(DCOMCALL):
    opnum = 3
    structure = (("Count", ULONG), ("Data", BYTES))


class EchoResponse(DCOMANSWER):
    structure = (("Data", BYTES), ("ErrorCode", ULONG))


class Level(DCOMCALL):
    opnum = 4
    structure = ()


class LevelResponse(DCOMANSWER):
    structure = (("Level", DWORD), ("ErrorCode", ULONG))


class Produce(DCOMCALL):
    opnum = 5
    structure = (("Count", ULONG),)


class ProduceResponse(DCOMANSWER):
    structure = (("Data", BYTES), ("ErrorCode", ULONG))


failures = 0


def check(name, got, wanted=True):
    global failures
    passed = wanted(got) if callable(wanted) else got == wanted
    failures += not passed
    print("%s %s%s" % ("ok  " if passed else "FAIL", name, "" if passed else ": %r" % (got,)), flush=True)


def has(*texts):
    """Whether a refusal is worded in one of these ways."""
    return lambda got: any(text.lower() in got.lower() for text in texts)


def refusal(work):
    try:
        work()
    except Exception as error:  # impacket raises many types
        return str(error)
    return "nothing was refused"


def echo(interface, data, iid=IID_ECHO):
    request = Echo()
    request["Count"] = len(data)
    request["Data"] = list(bytes([byte]) for byte in data)
    return b"".join(interface.request(request, iid, interface.get_iPid())["Data"])


def connect(password=PASSWORD, level=RPC_C_AUTHN_LEVEL_PKT_PRIVACY, pings=False, user=USER):
    return DCOMConnection(HOST, user, password, "", authLevel=level, oxidResolver=pings)


def port_mapper(level=None, password=PASSWORD):
    rpc = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%d]" % (HOST, PORT))
    rpc.set_credentials(USER, password)
    dce = rpc.get_dce_rpc()
    if level is not None:
        dce.set_auth_level(level)
    return dce


# Unauthenticated.
bindings = IObjectExporter(port_mapper()).ServerAlive2()
check("ServerAlive2 names this host", any(HOST in binding["aNetworkAddr"] for binding in bindings))
IObjectExporter(port_mapper()).ServerAlive()
def find_port(interface):
    dce = port_mapper()
    dce.connect()
    try:
        return epm.hept_map(HOST, interface, protocol="ncacn_ip_tcp", dce=dce)
    finally:
        dce.disconnect()


check("ept_map finds the plain interface", find_port(IID_PLAIN).startswith("ncacn_ip_tcp:%s[" % HOST))
check("ept_map does not find others", refusal(lambda: find_port(IID_NOBODY)), has("not_registered", "16c9a0d6"))


def anonymous_activation():
    dce = port_mapper()
    dce.connect()
    dce.bind(IID_IActivation)
    IActivation(dce).RemoteActivation(CLSID_ECHO, IID_ECHO)


check("activation without a user is refused", refusal(anonymous_activation), has("access_denied"))

# A class, an object, two interfaces.
connection = connect(pings=True)
unknown = connection.CoCreateInstanceEx(CLSID_ECHO, IID_ECHO)
check("echo", echo(unknown, b"hello"), b"hello")
big = bytes(range(256)) * 300
check("echo of 75 KiB in fragments", echo(unknown, big) == big)
request = Produce()
request["Count"] = 200_000
check("a reply in fragments", len(unknown.request(request, IID_ECHO, unknown.get_iPid())["Data"]), 200_000)
check("the class sees packet privacy", unknown.request(Level(), IID_ECHO, unknown.get_iPid())["Level"], 6)
second = IRemUnknown(unknown).RemQueryInterface(1, (IID_ECHO2,))
check("RemQueryInterface over alter_context, then a call", echo(second, b"second", IID_ECHO2), b"second")
IRemUnknown(unknown).RemAddRef()
check("back to the first interface", echo(unknown, b"first"), b"first")
missing = RemQueryInterface()
missing["ORPCthis"] = unknown.get_cinstance().get_ORPCthis()
missing["ripid"], missing["cRefs"], missing["cIids"] = unknown.get_iPid(), 1, 1
iid = IID()
iid["Data"] = IID_NOBODY[:16]
missing["iids"].append(iid)
answer = unknown.request(missing, IID_IRemUnknown, unknown.get_ipidRemUnknown())
check("an interface that is not there", answer["ppQIResults"]["hResult"] & 0xFFFFFFFF, 0x80004002)
IRemUnknown(unknown).RemRelease()

# Pings, by hand: impacket's own thread sends the first after 120 seconds.
exporter = IObjectExporter(connection.get_dce_rpc())
answer = exporter.ComplexPing(0, 0, [unknown.get_oid()], [])
check("ComplexPing makes a set", answer["pSetId"] != 0)
exporter.SimplePing(answer["pSetId"])
check("SimplePing of the set", True)
check("ResolveOxid2 finds the exporter", len(exporter.ResolveOxid2(unknown.get_oxid(), (7,))) > 0)
check("the object still answers", echo(unknown, b"x"), b"x")
connection.disconnect()

# A new connection and the old way to activate.
connection = connect()
dce = connection.get_dce_rpc()
dce.connect()
dce.bind(IID_IActivation)
old = IActivation(dce).RemoteActivation(CLSID_ECHO, IID_ECHO)
check("RemoteActivation, then a call", echo(old, b"old"), b"old")
for index in range(5):  # the references of the activation
    IRemUnknown(old).RemRelease()
check("a released object is gone", refusal(lambda: echo(old, b"gone")), has("disconnected", "80010108"))
connection.disconnect()

# Refusals.
def activate(**how):
    connection = connect(**how)
    try:
        return connection.CoCreateInstanceEx(how.pop("clsid", CLSID_ECHO), IID_ECHO)
    finally:
        connection.get_dce_rpc().disconnect()


check("a wrong password", refusal(lambda: activate(password="wrong")), has("access_denied"))
check("an unknown user", refusal(lambda: activate(user="mallory")), has("access_denied"))
check("activation below integrity", refusal(lambda: activate(level=RPC_C_AUTHN_LEVEL_CONNECT)), has("access_denied"))
check("activation at integrity", refusal(lambda: activate(level=RPC_C_AUTHN_LEVEL_PKT_INTEGRITY)), "nothing was refused")


def unknown_class():
    connection = connect()
    try:
        connection.CoCreateInstanceEx(IID_NOBODY[:16], IID_ECHO)
    finally:
        connection.get_dce_rpc().disconnect()


check("an unknown class", refusal(unknown_class), has("80040154", "CLASSNOTREG"))
sys.exit(failures != 0)
