using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Exports;

/// <summary>For whom enrolments are encrypted, and why they are taken along.</summary>
public sealed record EnrolmentExportRequest
{
    /// <summary>The receiver's certificate with an RSA key of at least 2048 bits, as PEM. Only who has its private key can open the files.</summary>
    public required string Certificate { get; init; }
    /// <summary>Why. It is recorded. The header Audit-Reason does as well.</summary>
    public string? Reason { get; init; }
}

/// <summary>The last file of an archive: what is in it. An archive without it is not whole.</summary>
public sealed record ExportManifest
{
    /// <summary>Grows when a file or a column changes its meaning. New ones do not count.</summary>
    public const int PresentFormat = 1;

    public required int Format { get; init; }
    /// <summary>district or enrolments.</summary>
    [OneOf(DistrictExport.Kind, EnrolmentExport.Kind)]
    public required string Kind { get; init; }
    /// <summary>Of the server.</summary>
    public required string Version { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required DateTimeOffset EndedAt { get; init; }
    /// <summary>Always true: it is written when everything else was.</summary>
    public required bool Complete { get; init; }
    /// <summary>All others, in their order.</summary>
    public required IReadOnlyList<ExportedFile> Files { get; init; }
}

/// <summary>A file of an archive.</summary>
/// <param name="Name">In the archive.</param>
/// <param name="Rows">Null: it is not made of rows.</param>
/// <param name="Bytes">Uncompressed.</param>
/// <param name="Sha256">Of these bytes, in hexadecimal.</param>
public sealed record ExportedFile(string Name, long? Rows, long Bytes, string Sha256);
