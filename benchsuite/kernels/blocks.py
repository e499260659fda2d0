"""Eight rows at a time for code compiled by numba: blocks that hold them column by column.

``block[every(), k]`` is column k of all of them, as ``lanes``. Where there are fewer rows, the last one stands for
those that lack. Only where numba is installed can this module be imported.
"""
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="assignment, attr-defined, call-arg, comparison-overlap, index"
# What numba hands over has numba's types, and its annotations know no extensions.

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_jitable, register_model

from benchsuite.kernels.lanes import DOUBLES, EIGHT, INT32, LANES, MASK, indices

INTP, BYTES = ir.IntType(types.intp.bitwidth), ir.IntType(8).as_pointer()

AHEAD = 4096
"""Bytes ahead of those in use that are fetched from memory: eight rows at a time are more than a processor guesses."""


class Every(types.Opaque):
    """The index that stands for all eight rows of a block."""


EVERY = Every("Every")
register_model(Every)(models.OpaqueModel)


@intrinsic
def _every(typingctx):
    return EVERY(), lambda context, builder, signature, args: context.get_dummy_value()


@register_jitable(forceinline=True)
def every() -> Any:
    """The index of all rows of a block."""
    return _every()


@register_jitable(forceinline=True)
def block(columns: int, dtype: Any) -> Any:
    """Room for eight rows."""
    return np.empty((columns, EIGHT), dtype).T


@overload(operator.getitem)
def _read(rows, where):
    if isinstance(rows, types.Array) and isinstance(where, types.BaseTuple) and where[0] == EVERY:
        return lambda rows, where: _load(rows, where[1])
    return None


@overload(operator.setitem)
def _write(rows, where, values):
    if isinstance(rows, types.Array) and isinstance(where, types.BaseTuple) and where[0] == EVERY:
        return lambda rows, where, values: _store(rows, where[1], values)
    return None


@intrinsic
def _load(typingctx, rows, column):
    def code(context, builder, signature, args):
        column, size = _columns(context, builder, signature.args[0], *args)
        values = builder.load(builder.gep(column, [INTP(0)]), align=size)
        if signature.return_type == MASK:
            return builder.icmp_unsigned("!=", values, values.type([0] * EIGHT))
        return values if values.type == DOUBLES else builder.fpext(values, DOUBLES)

    return (MASK if rows.dtype == types.boolean else LANES)(rows, types.intp), code


@intrinsic
def _store(typingctx, rows, column, values):
    def code(context, builder, signature, args):
        column, size = _columns(context, builder, signature.args[0], *args[:2])
        kind = ir.VectorType(context.get_data_type(signature.args[0].dtype), EIGHT)
        shorten = builder.fptoui if isinstance(signature.args[0].dtype, types.Integer) else builder.fptrunc
        builder.store(args[2] if kind == DOUBLES else shorten(args[2], kind), column, align=size)
        return context.get_dummy_value()

    return types.none(rows, types.intp, LANES), code


def _columns(context, builder, kind, rows, first):
    """Pointer to a column of a block and to those behind it, each a vector; bytes of an element."""
    vector, size = _vector(context, kind)
    start = builder.mul(first, INTP(EIGHT))
    return builder.bitcast(builder.gep(_array(context, builder, kind, rows).data, [start]), vector.as_pointer()), size


def _vector(context, kind):
    element = context.get_data_type(kind.dtype)
    return ir.VectorType(element, EIGHT), context.get_abi_sizeof(element)


def _array(context, builder, kind, array):
    return context.make_array(kind)(context, builder, array)


def _pieces(context, builder, kind, array, first, column, *, writes=False):
    """Pointers to eight columns of each of eight rows."""
    vector, _ = _vector(context, kind)
    found = _array(context, builder, kind, array)
    count, stride = (cgutils.unpack_tuple(builder, each)[0] for each in (found.shape, found.strides))
    last = builder.sub(count, INTP(1))
    start = builder.bitcast(builder.gep(found.data, [column]), BYTES)
    kind = ir.FunctionType(ir.VoidType(), [BYTES, INT32, INT32, INT32])
    fetch = builder.module.declare_intrinsic("llvm.prefetch", [BYTES], kind)
    for k in range(EIGHT):
        row = builder.add(first, INTP(k))
        row = builder.select(builder.icmp_signed("<", row, last), row, last)
        piece = builder.gep(start, [builder.mul(row, stride)])
        builder.call(fetch, [builder.gep(piece, [INTP(AHEAD)]), *map(INT32, (int(writes), 3, 1))])
        yield builder.bitcast(piece, vector.as_pointer())


def _turned(builder, vectors):
    """Eight vectors as the columns of eight others, in three rounds of exchanges."""
    lanes = range(EIGHT)
    for step in (1, 2, 4):
        even = indices([k + EIGHT - step if k & step else k for k in lanes])
        odd = indices([k + EIGHT if k & step else k + step for k in lanes])
        vectors = [
            builder.shuffle_vector(vectors[k & ~step], vectors[k | step], odd if k & step else even) for k in lanes
        ]
    return vectors


@intrinsic
def _turn_in(typingctx, into, rows, first, column):
    def code(context, builder, signature, args):
        into, rows = signature.args[:2]
        pieces = _pieces(context, builder, rows, *args[1:])
        _, size = _vector(context, rows)
        target, _ = _columns(context, builder, into, args[0], args[3])
        for k, vector in enumerate(_turned(builder, [builder.load(piece, align=size) for piece in pieces])):
            builder.store(vector, builder.gep(target, [INTP(k)]), align=size)
        return context.get_dummy_value()

    return types.none(into, rows, types.intp, types.intp), code


@intrinsic
def _turn_out(typingctx, into, rows, first, column):
    def code(context, builder, signature, args):
        into, rows = signature.args[:2]
        source, size = _columns(context, builder, rows, args[1], args[3])
        columns = [builder.load(builder.gep(source, [INTP(k)]), align=size) for k in range(EIGHT)]
        pieces = _pieces(context, builder, into, args[0], *args[2:], writes=True)
        for piece, vector in zip(pieces, _turned(builder, columns), strict=True):
            builder.store(vector, piece, align=size)
        return context.get_dummy_value()

    return types.none(into, rows, types.intp, types.intp), code


@register_jitable
def take(into: Any, rows: Any, first: int) -> None:
    """Fill the block ``into`` with eight of ``rows`` (N, K), from ``first`` on."""
    width = rows.shape[1]
    for k in range(0, width - EIGHT, EIGHT):
        _turn_in(into, rows, first, k)
    if width >= EIGHT:
        _turn_in(into, rows, first, width - EIGHT)
    else:
        for k in range(width):
            for lane in range(EIGHT):
                into[lane, k] = rows[min(first + lane, len(rows) - 1), k]


@register_jitable
def give(into: Any, rows: Any, first: int) -> None:
    """Write the block ``rows`` into eight rows of ``into`` (N, K), from ``first`` on."""
    width = into.shape[1]
    for k in range(0, width - EIGHT, EIGHT):
        _turn_out(into, rows, first, k)
    if width >= EIGHT:
        _turn_out(into, rows, first, width - EIGHT)
    else:
        for k in range(width):
            for lane in range(min(EIGHT, len(into) - first)):
                into[first + lane, k] = rows[lane, k]
