namespace FleetMdm.Grains.Interfaces;

/// <summary>The CAs by which iPads believe each other in Apple's Classroom (key: <see cref="Key"/>): one for teachers and one for pupils, so that no pupil's certificate ever passes for
/// a teacher's. They are renewed by themselves.</summary>
[Alias("fleetmdm.classroom-authority")]
public interface IClassroomAuthorityGrain : IGrainWithStringKey
{
    /// <summary>The only key: an installation has one grain of this kind.</summary>
    const string Key = "classroom";

    /// <summary>Made at the first call; renewed when it is due.</summary>
    [Alias("Get")]
    Task<SealedClassroomAuthority> Get();
}

/// <summary>Both CAs, with their private keys sealed under the master key.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-classroom-authority")]
public sealed record SealedClassroomAuthority
{
    public const string LeaderKeyPurpose = "classroom-leader-key/mdm";
    public const string MemberKeyPurpose = "classroom-member-key/mdm";

    /// <summary>Grows with each change.</summary>
    [Id(0)] public required long Version { get; init; }

    /// <summary>iPads with another one do not talk to each other: it never changes.</summary>
    [Id(1)] public required Guid OrganizationUuid { get; init; }

    /// <summary>As iPads show it.</summary>
    [Id(2)] public required string Organization { get; init; }

    /// <summary>The newest first. All are trusted; which one issues, <see cref="Issuer"/> says.</summary>
    [Id(3)] public required ClassroomCa[] Leaders { get; init; }

    /// <summary>Likewise of pupils.</summary>
    [Id(4)] public required ClassroomCa[] Members { get; init; }

    /// <summary>How long iPads have to learn of a new CA before it issues.</summary>
    public static readonly TimeSpan LearntAfter = TimeSpan.FromDays(30);

    /// <summary>The newest that iPads have had the time to learn of; the first one is all that they know.</summary>
    public static ClassroomCa Issuer(ClassroomCa[] all, DateTimeOffset now) => Array.Find(all, one => one.MadeAt + LearntAfter <= now) ?? all[^1];
}

/// <param name="EndsAt">Of the certificate.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.classroom-ca")]
public sealed record ClassroomCa([property: Id(0)] SealedCertificate Certificate, [property: Id(1)] DateTimeOffset MadeAt, [property: Id(2)] DateTimeOffset EndsAt);
