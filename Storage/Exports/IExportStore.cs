using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Exports;

/// <summary>Reads whole tables, page by page, for somebody who takes everything with them.</summary>
/// <remarks>Each page is a statement of its own by the table's key, so a reader of any speed holds nothing open in the database. What stands from the first page to the last is in it
/// exactly once; what is written in between stands as it was before or after.</remarks>
public interface IExportStore
{
    /// <summary>The rows after <paramref name="after"/>, in the order of the table's key.</summary>
    Task<ExportedPage> Read(ExportTable table, ExportPosition? after, int limit, CancellationToken cancellationToken);

    /// <summary>Enrolled devices (no user channels) by id, after <paramref name="after"/>, with all that another server needs to go on with them.</summary>
    Task<IReadOnlyList<ExportedEnrolment>> Enrolments(string? after, int limit, CancellationToken cancellationToken);

    /// <summary>Codes that lift Activation Lock, by id of the device, sealed.</summary>
    Task<IReadOnlyList<ExportedLockCode>> LockCodes(string? after, int limit, CancellationToken cancellationToken);
}

/// <summary>Where a page ended.</summary>
public sealed class ExportPosition
{
    internal ExportPosition(IReadOnlyList<object> values) => Values = values;

    internal IReadOnlyList<object> Values { get; }
}

/// <param name="Rows">The values of each row, in the order of the columns: string, long, double, bool, <see cref="DateTimeOffset"/> or null.</param>
/// <param name="Next">Null: there are no more.</param>
public sealed record ExportedPage(IReadOnlyList<object?[]> Rows, ExportPosition? Next);

/// <summary>One enrolment as another server takes it over.</summary>
public sealed record ExportedEnrolment
{
    public required string Id { get; init; }
    public required EnrolmentKind Kind { get; init; }
    /// <summary>As the iPad spells it; null: a User Enrolment does not say it.</summary>
    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? ProductName { get; init; }
    public string? Model { get; init; }
    public string? ModelName { get; init; }
    public string? DeviceName { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    public string? Imei { get; init; }
    public string? Meid { get; init; }
    public string? Topic { get; init; }
    public byte[]? PushToken { get; init; }
    public string? PushMagic { get; init; }
    public bool AwaitingConfiguration { get; init; }
    /// <summary>Sealed; null: there is none.</summary>
    public byte[]? UnlockToken { get; init; }
    /// <summary>Likewise.</summary>
    public byte[]? BootstrapToken { get; init; }
    /// <summary>SHA-256 of the certificate that was pinned last; null: none is.</summary>
    public byte[]? CertificateSha256 { get; init; }
    public DateTimeOffset? CertificateEndsAt { get; init; }
    /// <summary>DER; null: it was issued elsewhere, and only its hash is kept.</summary>
    public byte[]? Certificate { get; init; }
}

/// <param name="DeviceId">Of which iPad.</param>
/// <param name="SerialNumber">Null: it never said.</param>
/// <param name="Code">Sealed.</param>
/// <param name="FetchedAt">When the iPad told it.</param>
/// <param name="ClearedAt">When the iPad acknowledged that it is void; null: it has not.</param>
public sealed record ExportedLockCode(string DeviceId, string? SerialNumber, byte[] Code, DateTimeOffset FetchedAt, DateTimeOffset? ClearedAt);
