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
    public const string InvalidIdempotencyKey = "invalid-idempotency-key";
    public const string IdempotencyKeyReused = "idempotency-key-reused";
    public const string BodyTooLarge = "body-too-large";
    public const string UnsupportedMediaType = "unsupported-media-type";
    public const string NotSignedIn = "not-signed-in";
    public const string NotAllowed = "not-allowed";
    public const string CrossOrigin = "cross-origin";
    public const string TooManyFailures = "too-many-failures";
    public const string NotFound = "not-found";
    public const string MethodNotAllowed = "method-not-allowed";
    public const string NotEnrolled = "not-enrolled";
    public const string QueueFull = "queue-full";
    public const string CommandUuidTaken = "command-uuid-taken";
    public const string CommandInFlight = "command-in-flight";
    public const string CommandFinished = "command-finished";
    public const string EmptyTarget = "empty-target";
    public const string NotConfirmed = "not-confirmed";
    public const string NotAsExpected = "not-as-expected";
    public const string OperationFinished = "operation-finished";
    public const string OwnEnrolment = "own-enrolment";
    public const string UnknownRequestType = "unknown-request-type";
    public const string InvalidProfile = "invalid-profile";
    public const string NotRenewable = "not-renewable";
    public const string NoPushToken = "no-push-token";
    public const string ClaimChanged = "claim-changed";
    public const string LastAdministrator = "last-administrator";
    public const string TooManyTokens = "too-many-tokens";
    public const string Rejected = "rejected";
    public const string Busy = "busy";
    public const string Unavailable = "unavailable";
    public const string InternalError = "internal-error";
}
