namespace FleetMdm.Storage.Audit;

/// <summary>What is recorded: a thing and what was done to it. Stored as text: never rename one.</summary>
public static class AuditVerbs
{
    public const string CommandSend = "command.send";
    public const string CommandCancel = "command.cancel";
    public const string OperationStart = "operation.start";
    public const string OperationCancel = "operation.cancel";
    public const string DevicePush = "device.push";
    public const string DeviceRemove = "device.remove";
    /// <summary>The list of iPads was exported.</summary>
    public const string DeviceExport = "device.export";
    public const string InvitationCreate = "invitation.create";
    public const string InvitationRevoke = "invitation.revoke";
    public const string TokenCreate = "token.create";
    public const string TokenRevoke = "token.revoke";
    public const string PushCertificateInstall = "push-certificate.install";
    /// <summary>A key and a request for a push certificate were made.</summary>
    public const string PushCertificateRequest = "push-certificate.request";
    public const string SessionSignIn = "session.sign-in";
    public const string SessionSignOut = "session.sign-out";
    /// <summary>An API token that is unknown, revoked or expired was sent.</summary>
    public const string TokenReject = "token.reject";
    /// <summary>The link of an open invitation was shown.</summary>
    public const string InvitationRead = "invitation.read";
    /// <summary>An iPad's answer with a secret in it was shown.</summary>
    public const string SecretRead = "secret.read";
    public const string AuditExport = "audit.export";
    /// <summary>Another device says that it is an iPad that is enrolled.</summary>
    public const string EnrolmentClaim = "enrolment.claim";
    /// <summary>An iPad enrolled anew with another certificate, and the enrolment that stood there ended.</summary>
    public const string EnrolmentDisplace = "enrolment.displace";
    public const string ReenrolmentAllow = "reenrolment.allow";
    public const string ReenrolmentRefuse = "reenrolment.refuse";
    /// <summary>iPads that have not enrolled yet were given a name, a school, an asset tag.</summary>
    public const string PlaceholderWrite = "placeholder.write";
    public const string PlaceholderRemove = "placeholder.remove";
    /// <summary>An enrolled iPad enrolled anew and said another serial number than before.</summary>
    public const string EnrolmentSerialNumber = "enrolment.serial-number";
    /// <summary>An escrowed secret was handed to an iPad.</summary>
    public const string EscrowUse = "escrow.use";

    /// <summary>All of them, to choose from.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        CommandSend, CommandCancel, OperationStart, OperationCancel,
        DevicePush, DeviceRemove, DeviceExport, InvitationCreate, InvitationRevoke,
        TokenCreate, TokenRevoke, PushCertificateInstall, PushCertificateRequest, SessionSignIn,
        SessionSignOut, TokenReject, InvitationRead, SecretRead,
        AuditExport, EnrolmentClaim, ReenrolmentAllow, ReenrolmentRefuse,
        EnrolmentDisplace, EnrolmentSerialNumber, PlaceholderWrite, PlaceholderRemove,
        EscrowUse,
    ];
}

/// <summary>Kinds of what something is done to. Stored as text: never rename one.</summary>
public static class AuditTargets
{
    public const string Device = "device";
    public const string Operation = "operation";
    public const string Invitation = "invitation";
    public const string Token = "token";
    public const string PushCertificate = "push-certificate";
    public const string Placeholder = "placeholder";
}
