namespace FleetMdm.Api.Rest;

/// <summary>Stable names of what went wrong (<c>code</c> of a problem, and the end of its <c>type</c>). Never renamed.</summary>
internal static class ProblemCodes
{
    public const string InvalidRequest = "invalid-request";
    public const string InvalidJson = "invalid-json";
    public const string InvalidCsv = "invalid-csv";
    public const string InvitationClosed = "invitation-closed";
    public const string InvalidCommand = "invalid-command";
    public const string InvalidFilter = "invalid-filter";
    public const string InvalidCursor = "invalid-cursor";
    /// <summary>What comes after this place was removed, or is not what it was.</summary>
    public const string CursorGone = "cursor-gone";
    public const string InvalidIdempotencyKey = "invalid-idempotency-key";
    public const string IdempotencyKeyReused = "idempotency-key-reused";
    public const string BodyTooLarge = "body-too-large";
    public const string UnsupportedMediaType = "unsupported-media-type";
    public const string NotSignedIn = "not-signed-in";
    public const string NotAllowed = "not-allowed";
    public const string NeedsDistrict = "needs-district";
    public const string CrossOrigin = "cross-origin";
    public const string TooManyFailures = "too-many-failures";
    public const string NotFound = "not-found";
    public const string MethodNotAllowed = "method-not-allowed";
    public const string NotEnrolled = "not-enrolled";
    public const string QueueFull = "queue-full";
    public const string CommandUuidReserved = "command-uuid-reserved";
    public const string CommandUuidTaken = "command-uuid-taken";
    public const string DoesNotFit = "does-not-fit";
    public const string CommandInFlight = "command-in-flight";
    public const string CommandFinished = "command-finished";
    /// <summary>Of a Shared iPad: nobody deletes a user who is there.</summary>
    public const string UserSignedIn = "user-signed-in";
    /// <summary>Of a user: the deletion would lose it.</summary>
    public const string DataNotSynced = "data-not-synced";
    public const string EmptyTarget = "empty-target";
    public const string NotConfirmed = "not-confirmed";
    public const string NotAsExpected = "not-as-expected";
    public const string OperationFinished = "operation-finished";
    public const string OwnEnrolment = "own-enrolment";
    public const string UnknownRequestType = "unknown-request-type";
    public const string InvalidApp = "invalid-app";
    public const string AppInUse = "app-in-use";
    public const string InvalidProfile = "invalid-profile";
    public const string IdentifierTaken = "identifier-taken";
    public const string LibraryFull = "library-full";
    public const string ProfileChanged = "profile-changed";
    public const string ProfileIsPublic = "profile-is-public";
    public const string NotForPublic = "not-for-public";
    public const string NoPrecondition = "no-precondition";
    /// <summary>Somebody else has changed it in between.</summary>
    public const string Changed = "changed";
    public const string NameTaken = "name-taken";
    public const string CodeTaken = "code-taken";
    public const string SourceTaken = "source-taken";
    public const string AccountTaken = "account-taken";
    /// <summary>Another person has the iPad.</summary>
    public const string HandedOut = "handed-out";
    public const string PersonLeft = "person-left";
    public const string IncidentOpen = "incident-open";
    public const string RemovesMany = "removes-many";
    public const string CannotBeUndone = "cannot-be-undone";
    public const string ImportApplied = "import-applied";
    public const string ImportUndone = "import-undone";
    public const string InUse = "in-use";
    /// <summary>Another server manages it.</summary>
    public const string Claimed = "claimed";
    public const string InvalidContentToken = "invalid-content-token";
    /// <summary>Apple could not be asked.</summary>
    public const string AppleAway = "apple-away";
    /// <summary>Nobody but the iPad can try it again.</summary>
    public const string TriedByTheIPad = "tried-by-the-ipad";
    public const string ExamBegun = "exam-begun";
    public const string ExamNotRunning = "exam-not-running";
    /// <summary>iPads of the exam are not released yet.</summary>
    public const string ExamNotReleased = "exam-not-released";
    public const string GroupHasRule = "group-has-rule";
    public const string TooMany = "too-many";
    public const string PasskeyNotAdded = "passkey-not-added";
    public const string ExportRunning = "export-running";
    public const string NotActive = "not-active";
    public const string NotRenewable = "not-renewable";
    public const string AuthorityState = "authority-state";
    public const string AuthorityInUse = "authority-in-use";
    public const string AuthorityForTls = "authority-for-tls";
    public const string NoPushToken = "no-push-token";
    public const string NoPushCertificate = "no-push-certificate";
    public const string ClaimChanged = "claim-changed";
    public const string LastAdministrator = "last-administrator";
    public const string AccountDisabled = "account-disabled";
    /// <summary>It is of a person with an account, and a token was sent.</summary>
    public const string NoAccount = "no-account";
    /// <summary>The account is linked to no person of the district, or to one who has left.</summary>
    public const string NoPerson = "no-person";
    /// <summary>The district does not allow it, or not now.</summary>
    public const string SwitchedOff = "switched-off";
    public const string CampaignOpen = "campaign-open";
    public const string CampaignClosed = "campaign-closed";
    public const string NotInLesson = "not-in-lesson";
    /// <summary>The class is locked into another app.</summary>
    public const string LessonRunning = "lesson-running";
    /// <summary>An exam has the iPads, and comes first.</summary>
    public const string ExamHolds = "exam-holds";
    public const string RoleIsBuiltIn = "role-is-built-in";
    /// <summary>Not before all nodes are of the new version.</summary>
    public const string NotYet = "not-yet";
    public const string TooManyTokens = "too-many-tokens";
    public const string Rejected = "rejected";
    public const string Busy = "busy";
    public const string Unavailable = "unavailable";
    public const string InternalError = "internal-error";
}
