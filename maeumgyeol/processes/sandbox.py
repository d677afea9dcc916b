"""A process that reads foreign files has no network, writes no files and neither starts nor signals other processes.

On Linux the kernel refuses the system calls (seccomp, which needs no privileges, and works in containers too).
On every system, Python's own functions refuse them as a second line of defence.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# Numbers of system calls: (x86_64, aarch64); None if the architecture has no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "bind": (49, 200), "listen": (50, 201),
    "socketpair": (53, 199), "accept4": (288, 242), "io_uring_setup": (425, 425),
    # files
    "creat": (85, None), "openat2": (437, 437), "truncate": (76, 45), "rename": (82, None), "renameat": (264, 38),
    "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "link": (86, None),
    "linkat": (265, 37), "unlink": (87, None), "unlinkat": (263, 35), "symlink": (88, None), "symlinkat": (266, 36),
    "mknod": (133, None), "mknodat": (259, 33), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "open_by_handle_at": (304, 265), "mount": (165, 40),
    "umount2": (166, 39), "chroot": (161, 51), "pivot_root": (155, 41), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "mount_setattr": (442, 442), "mq_open": (240, 180),
    "shmget": (29, 194), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # other processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "setpriority": (141, 140), "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274), "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273),
}  # fmt: skip

_OPEN, _OPENAT = (2, None), (257, 56)
_CLONE, _CLONE3 = (56, 220), (435, 435)
_KILL, _TGKILL, _PRLIMIT = (62, 129), (234, 131), (302, 261)
_SECCOMP = (317, 277)
_CLONE_THREAD = 0x10000
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_OTHER_ABI = 0x40000000  # x32 calls have their own numbers from here on

_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

_Instruction = tuple[int, int, int, int]


def seal() -> bool:
    """Give up network, writing and other processes for good; return whether the kernel enforces it."""
    sys.addaudithook(_refuse)
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    return _install(_program(*machine), machine[0])


def _program(column: int, architecture: int) -> list[_Instruction]:
    """Return the filter, which refuses the listed calls and allows everything else that a reader needs."""
    own = os.getpid()
    program = [
        _load(4), (_EQUAL, 1, 0, architecture), _answer(_KILL_PROCESS),
        _load(0), (_AT_LEAST, 0, 1, _OTHER_ABI), _answer(_ERRNO | _EPERM),
    ]  # fmt: skip
    for numbers in _REFUSED.values():
        program += _when(numbers[column], [_answer(_ERRNO | _EPERM)])
    # glibc then creates its threads with clone, whose flags can be checked.
    program += _when(_CLONE3[column], [_answer(_ERRNO | _ENOSYS)])
    program += _when(_CLONE[column], _unless_any_bit(0, _CLONE_THREAD))
    program += _when(_OPEN[column], _if_any_bit(1, _WRITING))
    program += _when(_OPENAT[column], _if_any_bit(2, _WRITING))
    for numbers in (_KILL, _TGKILL):
        program += _when(numbers[column], _unless_equal(0, own))
    program += _when(_PRLIMIT[column], _unless_equal(0, 0, own))
    return [*program, _answer(_ALLOW)]


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _argument(place: int) -> _Instruction:
    return _load(16 + 8 * place)  # only the lower half: flags and process numbers have no upper one


def _answer(value: int) -> _Instruction:
    return (_RETURN, 0, 0, value)


def _when(number: int | None, then: list[_Instruction]) -> list[_Instruction]:
    return [] if number is None else [(_EQUAL, 0, len(then), number), *then]


def _if_any_bit(place: int, bits: int) -> list[_Instruction]:
    return [_argument(place), (_ANY_BIT, 0, 1, bits), _answer(_ERRNO | _EPERM), _answer(_ALLOW)]


def _unless_any_bit(place: int, bits: int) -> list[_Instruction]:
    return [_argument(place), (_ANY_BIT, 1, 0, bits), _answer(_ERRNO | _EPERM), _answer(_ALLOW)]


def _unless_equal(place: int, *values: int) -> list[_Instruction]:
    tests = [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [_argument(place), *tests, _answer(_ERRNO | _EPERM), _answer(_ALLOW)]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _install(program: list[_Instruction], column: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    seccomp_filter = _Filter(len(program), packed)
    no_new_privileges, set_filter, all_threads = 38, 1, 1
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    number = ctypes.c_long(_SECCOMP[column])
    return bool(libc.syscall(number, set_filter, all_threads, ctypes.byref(seccomp_filter)) == 0)


_REFUSED_EVENTS = frozenset(
    (
        *("socket.__new__", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"),
        *(
            "subprocess.Popen",
            "os.system",
            "os.exec",
            "os.fork",
            "os.forkpty",
            "os.posix_spawn",
            "os.kill",
            "os.killpg",
        ),
        *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
        *("os.chown", "os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree", "sqlite3.connect", "pty.spawn"),
    )
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    is_writing = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
    if is_writing or event in _REFUSED_EVENTS:
        raise PermissionError(_EPERM, "refused to a process that reads foreign files", event)
