using FleetMdm.Storage.Apps;

namespace FleetMdm.Api.Apps;

/// <summary>Reads an app piece by piece from the database. Can seek; holds one piece. One reader.</summary>
internal sealed class ChunkStream(IHostedAppStore store, string id, long length) : Stream
{
    private byte[] _piece = [];
    private int _number = -1;
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= length || buffer.Length == 0) return 0;
        var number = (int)(_position / HostedApp.ChunkSize);
        if (number != _number)
        {
            _piece = await store.ReadChunk(id, number) ?? throw new IOException("The app was deleted while it was being read.");
            _number = number;
        }

        var from = (int)(_position % HostedApp.ChunkSize);
        var count = Math.Min(buffer.Length, _piece.Length - from);
        if (count <= 0) throw new IOException("A piece of the app is too short.");
        _piece.AsMemory(from, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Nobody blocks a thread on the database: what reads an archive gets a copy (<see cref="HostedAppService"/>).</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin)
    {
        Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };
        return _position;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
