using System.Data.Common;

namespace FleetMdm.Storage;

/// <summary>The current row of a reader, with times as this database keeps them.</summary>
internal readonly struct Row(DbDataReader reader, Func<DbDataReader, int, DateTimeOffset> time)
{
    public string Text(int column) => reader.GetString(column);

    public bool IsNull(int column) => reader.IsDBNull(column);

    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public short Short(int column) => reader.GetInt16(column);

    public int Int(int column) => reader.GetInt32(column);

    public int? IntOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt32(column);

    public long Long(int column) => reader.GetInt64(column);

    public long? LongOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public bool Bool(int column) => reader.GetBoolean(column);

    public bool? BoolOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetBoolean(column);

    public double? DoubleOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);

    public byte[] Bytes(int column) => reader.GetFieldValue<byte[]>(column);

    public byte[]? BytesOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    public Guid Guid(int column) => reader.GetGuid(column);

    public DateTimeOffset Time(int column) => time(reader, column);

    public DateTimeOffset? TimeOrNull(int column) => reader.IsDBNull(column) ? null : time(reader, column);
}
