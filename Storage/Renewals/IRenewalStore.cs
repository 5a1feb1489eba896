namespace FleetMdm.Storage.Renewals;

/// <summary>Identity certificates that end soon, and how far their renewal has come. Whose renewal it is decides alone what becomes of its row;
/// the sweep adds rows and asks for those that are due.</summary>
public interface IRenewalStore
{
    /// <summary>The newest pins of living enrolments that end before the given time and have no row yet, those that end first.</summary>
    Task<IReadOnlyList<EndingIdentity>> ListEnding(DateTimeOffset before, int limit);

    /// <summary>The newest pins of living enrolments that this CA issued and that have no row yet, in order of their iPads.</summary>
    /// <param name="issuer">SHA-256 of the CA's certificate.</param>
    /// <param name="first">It is the first CA of the installation: certificates without an issuer are its too.</param>
    /// <param name="after">The last iPad of the page before; null: from the start.</param>
    Task<IReadOnlyList<EndingIdentity>> ListIssuedBy(byte[] issuer, bool first, string? after, int limit);

    /// <summary>How many living enrolments speak with a certificate of which CA. Reads all pins: for a look now and then.</summary>
    Task<IReadOnlyList<IssuerCount>> CountIssuers();

    /// <summary>Adds rows; one for a former certificate of the same iPad gives way, one for the same certificate stays as it is.</summary>
    Task Add(IReadOnlyList<RenewalRow> rows);

    /// <summary>iPads whose renewal is to be looked at by now, the longest due first.</summary>
    Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit);

    /// <summary>How many renewals were started since then.</summary>
    Task<long> CountStarted(DateTimeOffset since);

    Task<RenewalRow?> Find(string deviceId);

    /// <summary>Changes the row of this iPad and this certificate.</summary>
    /// <returns>False: there is none any more.</returns>
    Task<bool> Save(RenewalRow row);

    /// <summary>It could not be looked at now: not before then.</summary>
    Task Postpone(string deviceId, DateTimeOffset nextAt);

    /// <summary>Drops the row of this iPad; of this certificate only, if one is given.</summary>
    /// <returns>Whether there was one.</returns>
    Task<bool> Forget(string deviceId, byte[]? sha256 = null);

    /// <summary>Those that end first, after the given place of the page before.</summary>
    /// <param name="withProblem">True: only those that need a person.</param>
    /// <param name="after">Null: from the start.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<RenewalListing>> List(bool withProblem, RenewalPlace? after, int limit);

    /// <summary>Reads all of them: for a look now and then.</summary>
    Task<RenewalCounts> Count();

    /// <summary>How many need a person.</summary>
    Task<long> CountProblems();
}

/// <param name="DeviceId">Whose it is.</param>
/// <param name="Sha256">SHA-256 of the certificate.</param>
/// <param name="IssuedAt">Null: it was not issued here.</param>
/// <param name="NotAfter">When it ends.</param>
public sealed record EndingIdentity(string DeviceId, byte[] Sha256, DateTimeOffset? IssuedAt, DateTimeOffset NotAfter);

/// <param name="Sha256">Of the CA's certificate; null: the first CA, or, where it is not <paramref name="Known"/>, another server's.</param>
/// <param name="Known">The certificate was issued here.</param>
/// <param name="Devices">How many iPads.</param>
public sealed record IssuerCount(byte[]? Sha256, bool Known, long Devices);

/// <summary>Where a page ended.</summary>
public sealed record RenewalPlace(DateTimeOffset NotAfter, string DeviceId);

/// <summary>Why a person has to look. Stored as a number: never renumber.</summary>
public enum RenewalProblem : short
{
    None = 0,
    /// <summary>This server has not issued the certificate, or does not know any more that it has.</summary>
    NotIssuedHere = 1,
    /// <summary>Nobody knows by which address the iPad was enrolled.</summary>
    UnknownAddress = 2,
    /// <summary>No TokenUpdate has come: the iPad cannot be woken.</summary>
    NotEnrolled = 3,
    /// <summary>The iPad, or the server for it, has failed several times.</summary>
    RepeatedErrors = 4,
    /// <summary>The certificates of its invitation were withdrawn.</summary>
    Withdrawn = 5,
    /// <summary>The iPad has had the command waiting for long, and has not carried it out.</summary>
    Silent = 6,
    /// <summary>The enrolment is of a kind whose profile this server does not make.</summary>
    OtherKind = 7,
}

/// <summary>The renewal of one identity certificate.</summary>
public sealed record RenewalRow
{
    public required string DeviceId { get; init; }
    /// <summary>SHA-256 of the certificate that ends.</summary>
    public required byte[] Sha256 { get; init; }
    /// <summary>When it ends.</summary>
    public required DateTimeOffset NotAfter { get; init; }
    /// <summary>When the server looks at it next.</summary>
    public required DateTimeOffset NextAt { get; init; }
    /// <summary>The command that is under way; null: none is.</summary>
    public string? CommandUuid { get; init; }
    /// <summary>When a command was last queued.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>How many commands have ended without a renewal.</summary>
    public int Failures { get; init; }
    public RenewalProblem Problem { get; init; }
    /// <summary>For people: what went wrong last.</summary>
    public string? Detail { get; init; }
}

/// <summary>A renewal with what people know an iPad by.</summary>
public sealed record RenewalListing(RenewalRow Renewal, string? SerialNumber, string? DeviceName, string? School, DateTimeOffset? LastSeenAt);

/// <param name="All">Certificates that end soon.</param>
/// <param name="UnderWay">Those of them that have a command waiting, and no problem.</param>
/// <param name="WithProblem">Those of them that need a person.</param>
public sealed record RenewalCounts(long All, long UnderWay, long WithProblem);
