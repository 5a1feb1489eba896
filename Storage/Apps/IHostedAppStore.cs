using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Apps;

/// <summary>In-house apps that iPads install from this server, with their bytes.</summary>
public interface IHostedAppStore
{
    /// <summary>One piece of an app that is being uploaded. A repetition writes the same.</summary>
    Task AddChunk(string id, int number, byte[] content);

    /// <summary>All pieces are there. The same content again is the app that stands already, and the new pieces go.</summary>
    /// <param name="audit">Written in the same transaction, if it is new.</param>
    /// <returns>The app that stands, and whether it is this one.</returns>
    Task<(HostedApp App, bool IsNew)> Complete(HostedApp app, AuditRecord audit);

    Task<HostedApp?> Find(string id);

    Task<HostedApp?> FindByToken(string token);

    /// <summary>By id, after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<HostedApp>> List(string? after, int limit);

    /// <summary>Null: there is no such piece.</summary>
    Task<byte[]?> ReadChunk(string id, int number);

    /// <summary>A command with this body installs it.</summary>
    Task NoteUse(string id, byte[] bodyHash);

    /// <summary>Deletes it, unless commands that install it wait.</summary>
    /// <returns>How many wait; null: there is no such app.</returns>
    Task<long?> Delete(string id, AuditRecord audit);

    /// <summary>Drops pieces of an upload that failed, so that others can use their space at once.</summary>
    /// <returns>How many; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> DropUpload(string id, int limit);

    /// <summary>Drops pieces of uploads that were begun before this time and belong to no app.</summary>
    /// <returns>How many; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> DropUnfinished(DateTimeOffset begunBefore, int limit);
}

/// <summary>An app that is hosted here.</summary>
public sealed record HostedApp
{
    /// <summary>Bytes of a piece; the last one has fewer.</summary>
    public const int ChunkSize = 1024 * 1024;

    /// <summary>Numbers of pieces that stand beside the file: its icon as PNG, and the MD5 of each part, in hexadecimal, one a line. An app may lack either.</summary>
    public const int IconPiece = -1;
    public const int Md5Piece = -2;

    /// <summary>A UUID of version 7 as 32 digits: later ones sort behind.</summary>
    public required string Id { get; init; }
    /// <summary>Unguessable, a part of the address.</summary>
    public required string Token { get; init; }
    public required string BundleId { get; init; }
    public required string Name { get; init; }
    public required string Version { get; init; }
    public string? ShortVersion { get; init; }
    public string? MinimumOs { get; init; }
    public required long Size { get; init; }
    public required byte[] Sha256 { get; init; }
    public required int PartSize { get; init; }
    /// <summary>SHA-256 of each part, in hexadecimal.</summary>
    public required IReadOnlyList<string> Parts { get; init; }
    public required DateTimeOffset UploadedAt { get; init; }
    public required string UploadedBy { get; init; }
}
