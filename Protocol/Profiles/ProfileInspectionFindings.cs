namespace FleetMdm.Protocol.Profiles;

/// <summary>What is to be done about something that was found in a profile.</summary>
public enum ProfileSeverity
{
    /// <summary>Good to know; nothing needs to be changed.</summary>
    Note = 0,
    /// <summary>It may not do what was meant. The profile is taken.</summary>
    Warning,
    /// <summary>The profile is not taken.</summary>
    Refused,
}

/// <summary>Something that was found in a profile.</summary>
/// <param name="Code">One of <see cref="ProfileCodes"/>.</param>
/// <param name="Path">Where, as in <c>PayloadContent[0].EAPClientConfiguration.UserName</c>; empty: the whole.</param>
/// <param name="Message">What it is, and what would be right, for an administrator.</param>
public sealed record ProfileFinding(ProfileSeverity Severity, string Code, string Path, string Message);

/// <summary>Stable names of what can be found in a profile. docs/profile-checks.md explains each one.</summary>
public static class ProfileCodes
{
    public const string Unreadable = "unreadable";
    public const string TooLarge = "tooLarge";
    public const string NoProfile = "noProfile";
    public const string IsJson = "isJson";
    public const string SignatureBroken = "signatureBroken";
    public const string SignerUnknown = "signerUnknown";
    public const string SignerExpired = "signerExpired";
    public const string Encrypted = "encrypted";
    public const string MissingKey = "missingKey";
    public const string InvalidKey = "invalidKey";
    public const string UnknownKey = "unknownKey";
    public const string UnknownPayload = "unknownPayload";
    public const string OtherPlatform = "otherPlatform";
    public const string UuidMade = "uuidMade";
    public const string VersionMade = "versionMade";
    public const string DuplicateUuid = "duplicateUuid";
    public const string DuplicateIdentifier = "duplicateIdentifier";
    public const string TwoOfOne = "twoOfOne";
    public const string NoPayload = "noPayload";
    public const string EndsEnrolment = "endsEnrolment";
    public const string ReservedIdentifier = "reservedIdentifier";
    public const string RemovalDatePast = "removalDatePast";
    public const string Expired = "expired";
    public const string SupervisedOnly = "supervisedOnly";
    public const string Deprecated = "deprecated";
    public const string Removed = "removed";
    public const string LocksOut = "locksOut";
    public const string MayCutOff = "mayCutOff";
    public const string ErasesIPad = "erasesIPad";
    public const string CertificateUnreadable = "certificateUnreadable";
    public const string CertificateExpired = "certificateExpired";
    public const string IdentityPassword = "identityPassword";
    public const string MissingReference = "missingReference";
    public const string WrongReference = "wrongReference";
    public const string OtherProfile = "otherProfile";
    public const string MissingIdentity = "missingIdentity";
    public const string MissingPassword = "missingPassword";
    public const string WrongLength = "wrongLength";
    public const string OddAddress = "oddAddress";
    public const string HiddenSecret = "hiddenSecret";
    public const string OddFile = "oddFile";
}

/// <summary>Gathers what is found. More than a hundred findings of a kind are not read by anybody.</summary>
/// <param name="strict">What an iPad would refuse is refused here; otherwise it is told, and the iPad's word counts.</param>
internal sealed class ProfileFindings(bool strict)
{
    private const int MostOfAKind = 100;

    private readonly List<ProfileFinding> _refused = [];
    private readonly List<ProfileFinding> _objections = [];
    private readonly List<ProfileFinding> _warnings = [];
    private readonly List<ProfileFinding> _notes = [];

    /// <summary>The worst first; of a kind in the order of the profile.</summary>
    public IReadOnlyList<ProfileFinding> All => [.. _refused, .. _objections, .. _warnings, .. _notes];

    public bool HasRefused(string path) => _refused.Exists(finding => finding.Path == path);

    /// <summary>It is no profile, or would end an enrolment.</summary>
    public void Refuse(string code, string path, string message) => Add(_refused, ProfileSeverity.Refused, code, path, message);

    /// <summary>An iPad would refuse it, or it would do harm on many.</summary>
    public void Object(string code, string path, string message) => Add(_objections, strict ? ProfileSeverity.Refused : ProfileSeverity.Warning, code, path, message);

    public void Warn(string code, string path, string message) => Add(_warnings, ProfileSeverity.Warning, code, path, message);

    public void Note(string code, string path, string message) => Add(_notes, ProfileSeverity.Note, code, path, message);

    private static void Add(List<ProfileFinding> to, ProfileSeverity severity, string code, string path, string message)
    {
        if (to.Count < MostOfAKind)
            to.Add(new ProfileFinding(severity, code, path, message));
    }
}
