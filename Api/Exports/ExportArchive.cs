using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Exports;

/// <summary>A zip that is sent while it is written: it costs the memory of what is written at a time.</summary>
/// <remarks>One caller. The last file is <c>manifest.json</c>, and a zip has its list of files at its end. After a failure neither is written, so what was sent so far does not pass for a
/// whole archive: that is why nothing here is disposed.</remarks>
internal sealed class ExportArchive
{
    public const string ContentType = "application/zip";
    public const string Manifest = "manifest.json";

    private static readonly JsonSerializerOptions Readable = new(AdminJson.Default.Options) { WriteIndented = true };

    private readonly ZipArchive _zip;
    private readonly ExportSink _sink;
    private readonly DateTimeOffset _startedAt;
    private readonly CancellationToken _cancellation;
    private readonly List<ExportedFile> _files = [];

    private ExportArchive(ZipArchive zip, ExportSink sink, DateTimeOffset startedAt, CancellationToken cancellation) =>
        (_zip, _sink, _startedAt, _cancellation) = (zip, sink, startedAt, cancellation);

    public IReadOnlyList<ExportedFile> Files => _files;

    /// <summary>Begins the answer to this request.</summary>
    public static async Task<ExportArchive> Begin(HttpContext context, string name, DateTimeOffset now)
    {
        var response = context.Response;
        response.ContentType = ContentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"{name}-{now.UtcDateTime:yyyyMMdd-HHmm}.zip\"";
        response.Headers.CacheControl = "no-store";
        var sink = new ExportSink(response.Body);
        return new ExportArchive(await ZipArchive.CreateAsync(sink, ZipArchiveMode.Create, leaveOpen: true, null, context.RequestAborted), sink, now, context.RequestAborted);
    }

    /// <param name="name">Of the file.</param>
    /// <param name="write">Writes it, and returns how many rows it has; null: it is not made of rows.</param>
    public async Task Add(string name, Func<ExportEntry, Task<long?>> write)
    {
        var entry = _zip.CreateEntry(name, CompressionLevel.Fastest);
        entry.LastWriteTime = _startedAt;
        var stream = await entry.OpenAsync(_cancellation);
        using var target = new ExportEntry(stream, _cancellation);
        var rows = await write(target);
        await target.Flush();
        await stream.DisposeAsync();
        await _sink.FlushAsync(_cancellation);
        _files.Add(new ExportedFile(name, rows, target.Length, target.Sha256));
    }

    public Task AddText(string name, string text) => AddBytes(name, Encoding.UTF8.GetBytes(text));

    public Task AddBytes(string name, ReadOnlyMemory<byte> bytes, long? rows = null) => Add(name, async entry =>
    {
        await entry.Write(bytes);
        return rows;
    });

    /// <summary>The manifest, and the end of the zip.</summary>
    public async Task End(string kind, DateTimeOffset now)
    {
        var manifest = new ExportManifest
        {
            Format = ExportManifest.PresentFormat,
            Kind = kind,
            Version = FleetStatus.Version,
            StartedAt = _startedAt,
            EndedAt = now,
            Complete = true,
            Files = [.. _files],
        };
        await AddBytes(Manifest, JsonSerializer.SerializeToUtf8Bytes(manifest, Readable));
        await _zip.DisposeAsync();
        await _sink.FlushAsync(_cancellation);
    }
}

/// <summary>The answer, for a writer that ends each file of a zip with a synchronous write: those few kilobytes are kept until the next asynchronous one.</summary>
internal sealed class ExportSink(Stream answer) : Stream
{
    private readonly ArrayBufferWriter<byte> _kept = new();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer) => _kept.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Pass(cancellationToken);
        await answer.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await Pass(cancellationToken);
        await answer.FlushAsync(cancellationToken);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask Pass(CancellationToken cancellationToken)
    {
        if (_kept.WrittenCount == 0) return;
        await answer.WriteAsync(_kept.WrittenMemory, cancellationToken);
        _kept.ResetWrittenCount();
    }
}

/// <summary>A file of an archive that is being written. Collects small writes, counts and hashes.</summary>
internal sealed class ExportEntry(Stream stream, CancellationToken cancellation) : IDisposable
{
    private const int Piece = 64 * 1024;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly StringBuilder _text = new();

    public long Length { get; private set; }

    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>Text that is collected: call <see cref="Pass"/> after each row.</summary>
    public StringBuilder Text => _text;

    public ValueTask Pass() => _text.Length < Piece ? ValueTask.CompletedTask : Flush();

    public async ValueTask Flush()
    {
        if (_text.Length == 0) return;
        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        _text.Clear();
        await Write(bytes);
    }

    public async ValueTask Write(ReadOnlyMemory<byte> bytes)
    {
        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
        await stream.WriteAsync(bytes, cancellation);
    }

    public void Dispose() => _hash.Dispose();
}
