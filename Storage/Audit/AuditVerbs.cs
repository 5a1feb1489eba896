namespace FleetMdm.Storage.Audit;

/// <summary>What is recorded: a thing and what was done to it. Stored as text: never rename one.</summary>
public static class AuditVerbs
{
    public const string CommandSend = "command.send";
    public const string CommandCancel = "command.cancel";
    public const string OperationStart = "operation.start";
    public const string OperationCancel = "operation.cancel";
    /// <summary>No more iPads begin. By the server: too many failed.</summary>
    public const string OperationPause = "operation.pause";
    public const string OperationGoOn = "operation.go-on";
    /// <summary>An operation was told to be started again and again.</summary>
    public const string RepeatingCreate = "repeating.create";
    public const string RepeatingPause = "repeating.pause";
    public const string RepeatingGoOn = "repeating.go-on";
    public const string RepeatingEnd = "repeating.end";
    public const string DevicePush = "device.push";
    public const string DeviceRemove = "device.remove";
    /// <summary>The list of iPads was exported.</summary>
    public const string DeviceExport = "device.export";
    /// <summary>An iPad was given to a person, or the last day of its loan was changed.</summary>
    public const string DeviceHandOut = "device.hand-out";
    /// <summary>A person gave an iPad back.</summary>
    public const string DeviceReturn = "device.return";
    /// <summary>A person said that they want to hand an iPad back, or to keep it after all.</summary>
    public const string DeviceReturnAsk = "device.return-ask";
    public const string NoteWrite = "note.write";
    /// <summary>What was said of an iPad was removed.</summary>
    public const string NoteRemove = "note.remove";
    public const string IncidentOpen = "incident.open";
    /// <summary>An incident was changed, closed or opened again.</summary>
    public const string IncidentChange = "incident.change";
    public const string InvitationCreate = "invitation.create";
    public const string InvitationRevoke = "invitation.revoke";
    public const string TokenCreate = "token.create";
    public const string TokenRevoke = "token.revoke";
    public const string RoleCreate = "role.create";
    public const string RoleChange = "role.change";
    public const string RoleDelete = "role.delete";
    public const string PushCertificateInstall = "push-certificate.install";
    /// <summary>A key and a request for a push certificate were made.</summary>
    public const string PushCertificateRequest = "push-certificate.request";
    public const string SessionSignIn = "session.sign-in";
    public const string SessionSignOut = "session.sign-out";
    /// <summary>The session of a browser was ended, by its owner or an administrator.</summary>
    public const string SessionEnd = "session.end";
    public const string AccountCreate = "account.create";
    public const string AccountChange = "account.change";
    public const string AccountDelete = "account.delete";
    /// <summary>A link was made that sets the password of an account.</summary>
    public const string AccountLink = "account.password-link";
    /// <summary>A password was set, by its owner.</summary>
    public const string AccountPassword = "account.password";
    /// <summary>A second step of sign-in was set up.</summary>
    public const string AccountTotp = "account.totp";
    public const string AccountTotpRemove = "account.totp-remove";
    /// <summary>New recovery codes were made.</summary>
    public const string AccountRecoveryCodes = "account.recovery-codes";
    /// <summary>A passkey was added, by its owner.</summary>
    public const string AccountPasskey = "account.passkey";
    /// <summary>One passkey of an account was removed, or all of them.</summary>
    public const string AccountPasskeyRemove = "account.passkey-remove";
    /// <summary>An API token that is unknown, revoked or expired was sent.</summary>
    public const string TokenReject = "token.reject";
    /// <summary>The link of an open invitation was shown.</summary>
    public const string InvitationRead = "invitation.read";
    /// <summary>An iPad's answer with a secret in it was shown.</summary>
    public const string SecretRead = "secret.read";
    public const string AuditExport = "audit.export";
    /// <summary>Records that are past their retention were dropped.</summary>
    public const string AuditDrop = "audit.drop";
    /// <summary>The server found that the chain of the records was changed by somebody else, and began a new piece of it.</summary>
    public const string AuditBreak = "audit.break";
    /// <summary>Another device says that it is an iPad that is enrolled.</summary>
    public const string EnrolmentClaim = "enrolment.claim";
    /// <summary>An iPad enrolled anew with another certificate, and the enrolment that stood there ended.</summary>
    public const string EnrolmentDisplace = "enrolment.displace";
    /// <summary>An enrolment of another server was taken over.</summary>
    public const string EnrolmentImport = "enrolment.import";
    /// <summary>Somebody took everything along that is open to read.</summary>
    public const string DistrictExport = "district.export";
    /// <summary>Somebody took the enrolments along with their secrets, encrypted for a receiver.</summary>
    public const string EnrolmentExport = "enrolment.export";
    public const string ReenrolmentAllow = "reenrolment.allow";
    public const string ReenrolmentRefuse = "reenrolment.refuse";
    /// <summary>iPads that have not enrolled yet were given a name, a school, an asset tag.</summary>
    public const string PlaceholderWrite = "placeholder.write";
    public const string PlaceholderRemove = "placeholder.remove";
    /// <summary>An enrolled iPad enrolled anew and said another serial number than before.</summary>
    public const string EnrolmentSerialNumber = "enrolment.serial-number";
    /// <summary>An in-house app was put on this server.</summary>
    public const string AppUpload = "app.upload";
    public const string AppDelete = "app.delete";
    /// <summary>A profile was put into the library.</summary>
    public const string ProfileCreate = "profile.create";
    public const string ProfileChange = "profile.change";
    public const string ProfileDelete = "profile.delete";
    /// <summary>A profile of the library was sent to iPads.</summary>
    public const string ProfileInstall = "profile.install";
    /// <summary>iPads were told to remove a profile of the library.</summary>
    public const string ProfileRemove = "profile.remove";
    /// <summary>A profile was made public, or its link was changed or withdrawn.</summary>
    public const string ProfilePublish = "profile.publish";
    /// <summary>A profile was offered to people who sign in for themselves, or to nobody any more.</summary>
    public const string ProfileOffer = "profile.offer";
    /// <summary>A new CA of identities was made, let issue, or ended.</summary>
    public const string AuthorityPrepare = "authority.prepare";
    public const string AuthorityActivate = "authority.activate";
    public const string AuthorityRetire = "authority.retire";
    public const string SchoolCreate = "school.create";
    public const string SchoolChange = "school.change";
    public const string SchoolDelete = "school.delete";
    public const string PersonCreate = "person.create";
    public const string PersonChange = "person.change";
    /// <summary>A person was forgotten: only the id stays, in records.</summary>
    public const string PersonDelete = "person.delete";
    public const string ClassCreate = "class.create";
    public const string ClassChange = "class.change";
    public const string ClassDelete = "class.delete";
    /// <summary>A person was put into a class or taken out of it.</summary>
    public const string ClassMember = "class.member";
    /// <summary>A file of people was uploaded to be looked at. Nothing was changed by it yet.</summary>
    public const string ImportStage = "import.stage";
    /// <summary>A file of people was applied as a whole.</summary>
    public const string ImportApply = "import.apply";
    public const string ImportDiscard = "import.discard";
    public const string ImportUndo = "import.undo";
    public const string GroupCreate = "group.create";
    public const string GroupChange = "group.change";
    public const string GroupDelete = "group.delete";
    /// <summary>iPads were put into a group or taken out of it.</summary>
    public const string GroupMembers = "group.members";
    public const string AssignmentCreate = "assignment.create";
    public const string AssignmentChange = "assignment.change";
    public const string AssignmentDelete = "assignment.delete";
    /// <summary>What failed was to be tried again at once.</summary>
    public const string AssignmentRetry = "assignment.retry";
    /// <summary>The roll-out of an assignment stopped. By the server: too many failed, or too few answered.</summary>
    public const string AssignmentStop = "assignment.stop";
    public const string AssignmentGoOn = "assignment.go-on";
    /// <summary>An assignment whose roll-out was under way was ended.</summary>
    public const string AssignmentTakeBack = "assignment.take-back";
    public const string ExamCreate = "exam.create";
    public const string ExamChange = "exam.change";
    public const string ExamDelete = "exam.delete";
    /// <summary>By the server: its iPads are locked from now on.</summary>
    public const string ExamBegin = "exam.begin";
    /// <summary>By the server: its iPads are released from now on.</summary>
    public const string ExamEnd = "exam.end";
    /// <summary>Its end was moved.</summary>
    public const string ExamProlong = "exam.prolong";
    /// <summary>Some of its iPads, or all, were released by somebody.</summary>
    public const string ExamRelease = "exam.release";
    /// <summary>iPads were put into it one by one.</summary>
    public const string ExamAdd = "exam.add";
    /// <summary>iPads were written down that are to come back.</summary>
    public const string CampaignCreate = "campaign.create";
    public const string CampaignClose = "campaign.close";
    public const string CampaignDelete = "campaign.delete";
    /// <summary>An iPad came back.</summary>
    public const string CampaignCollect = "campaign.collect";
    /// <summary>An iPad that was taken for one that came back has not.</summary>
    public const string CampaignPutBack = "campaign.put-back";
    public const string CampaignExport = "campaign.export";
    /// <summary>Nobody waits any more for iPads that did not come back from Return to Service.</summary>
    public const string ReturnClose = "return.close";
    public const string ReturnExport = "return.export";
    /// <summary>How iPads return that ask for it themselves.</summary>
    public const string ReturnAnswer = "return.answer";
    public const string ReturnAnswerRemove = "return.answer-remove";
    /// <summary>By the server: an iPad asked for it, and was told to erase itself and to return.</summary>
    public const string ReturnGive = "return.give";
    /// <summary>A teacher locked iPads of a class into an app, for a lesson.</summary>
    public const string LessonLock = "lesson.lock";
    /// <summary>iPads of a class were released from the lock of a lesson.</summary>
    public const string LessonRelease = "lesson.release";
    /// <summary>A teacher had the screens of a class locked once, with a message.</summary>
    public const string LessonAttention = "lesson.attention";
    /// <summary>Apple's Classroom was switched on or off for a school.</summary>
    public const string ClassroomSwitch = "classroom.switch";
    /// <summary>A service of Apple School Manager was added, changed, removed.</summary>
    public const string AutomatedCreate = "automated.create";
    public const string AutomatedChange = "automated.change";
    public const string AutomatedDelete = "automated.delete";
    /// <summary>Another key was made, for which Apple encrypts tokens.</summary>
    public const string AutomatedKey = "automated.key";
    /// <summary>A server token was uploaded.</summary>
    public const string AutomatedToken = "automated.token";
    /// <summary>Somebody had Apple asked at once.</summary>
    public const string AutomatedSync = "automated.sync";
    /// <summary>An enrolment profile was chosen for an iPad or a school.</summary>
    public const string AutomatedChoose = "automated.choose";
    /// <summary>Somebody signed in on an iPad in Setup Assistant: it is theirs from when it enrols, or nobody's.</summary>
    public const string AutomatedSignIn = "automated.sign-in";
    /// <summary>Somebody has seen that an iPad was let go from Setup Assistant.</summary>
    public const string AutomatedDismiss = "automated.dismiss";
    public const string AutomatedProfileCreate = "automated-profile.create";
    public const string AutomatedProfileChange = "automated-profile.change";
    public const string AutomatedProfileDelete = "automated-profile.delete";
    /// <summary>The content token of a location of Apps and Books was uploaded.</summary>
    public const string ContentToken = "apps-and-books.token";
    /// <summary>This server manages a location from now on.</summary>
    public const string ContentClaim = "apps-and-books.claim";
    /// <summary>Somebody had Apple asked at once.</summary>
    public const string ContentSync = "apps-and-books.sync";
    public const string ContentDelete = "apps-and-books.delete";
    /// <summary>An escrowed secret was handed to an iPad.</summary>
    public const string EscrowUse = "escrow.use";

    /// <summary>All of them, to choose from.</summary>
    public const string WebhookCreate = "webhook.create";
    public const string WebhookChange = "webhook.change";
    public const string WebhookDelete = "webhook.delete";
    public const string WebhookPause = "webhook.pause";
    public const string WebhookGoOn = "webhook.go-on";
    /// <summary>It got a new secret.</summary>
    public const string WebhookRotate = "webhook.rotate";
    public const string WebhookTest = "webhook.test";
    /// <summary>Events are sent again.</summary>
    public const string WebhookResend = "webhook.resend";
    /// <summary>By the server: the receiver wants nothing any more.</summary>
    public const string WebhookDisable = "webhook.disable";

    public static readonly IReadOnlyList<string> All =
    [
        CommandSend, CommandCancel, OperationStart, OperationCancel, OperationPause, OperationGoOn, RepeatingCreate, RepeatingPause, RepeatingGoOn, RepeatingEnd,
        DevicePush, DeviceRemove, DeviceExport, DeviceHandOut, DeviceReturn, DeviceReturnAsk, NoteWrite, NoteRemove, IncidentOpen, IncidentChange, InvitationCreate, InvitationRevoke,
        TokenCreate, TokenRevoke, PushCertificateInstall, PushCertificateRequest, SessionSignIn,
        SessionSignOut, TokenReject, InvitationRead, SecretRead,
        AuditExport, AuditDrop, AuditBreak, EnrolmentClaim, ReenrolmentAllow, ReenrolmentRefuse,
        EnrolmentDisplace, EnrolmentImport, EnrolmentExport, DistrictExport, EnrolmentSerialNumber, PlaceholderWrite, PlaceholderRemove,
        EscrowUse, AppUpload, AppDelete,
        ProfileCreate, ProfileChange, ProfileDelete, ProfileInstall, ProfileRemove, ProfilePublish, ProfileOffer,
        AuthorityPrepare, AuthorityActivate, AuthorityRetire,
        SchoolCreate, SchoolChange, SchoolDelete, PersonCreate, PersonChange, PersonDelete,
        RoleCreate, RoleChange, RoleDelete,
        SessionEnd, AccountCreate, AccountChange, AccountDelete, AccountLink, AccountPassword, AccountTotp, AccountTotpRemove, AccountRecoveryCodes, AccountPasskey, AccountPasskeyRemove,
        ClassCreate, ClassChange, ClassDelete, ClassMember, ImportStage, ImportApply, ImportDiscard, ImportUndo,
        GroupCreate, GroupChange, GroupDelete, GroupMembers,
        AssignmentCreate, AssignmentChange, AssignmentDelete, AssignmentRetry, AssignmentStop, AssignmentGoOn, AssignmentTakeBack,
        ExamCreate, ExamChange, ExamDelete, ExamBegin, ExamEnd, ExamProlong, ExamRelease, ExamAdd,
        LessonLock, LessonRelease, LessonAttention, ClassroomSwitch,
        CampaignCreate, CampaignClose, CampaignDelete, CampaignCollect, CampaignPutBack, CampaignExport,
        ReturnClose, ReturnExport, ReturnAnswer, ReturnAnswerRemove, ReturnGive,
        WebhookCreate, WebhookChange, WebhookDelete, WebhookPause, WebhookGoOn, WebhookRotate, WebhookTest, WebhookResend, WebhookDisable,
        AutomatedCreate, AutomatedChange, AutomatedDelete, AutomatedKey, AutomatedToken, AutomatedSync, AutomatedChoose, AutomatedSignIn, AutomatedDismiss,
        AutomatedProfileCreate, AutomatedProfileChange, AutomatedProfileDelete,
        ContentToken, ContentClaim, ContentSync, ContentDelete,
    ];
}

/// <summary>Kinds of what something is done to. Stored as text: never rename one.</summary>
public static class AuditTargets
{
    public const string Device = "device";
    public const string Operation = "operation";
    public const string Repeating = "repeating";
    public const string Invitation = "invitation";
    public const string Token = "token";
    public const string Role = "role";
    public const string Account = "account";
    public const string PushCertificate = "push-certificate";
    public const string Placeholder = "placeholder";
    public const string App = "app";
    public const string Profile = "profile";
    public const string Authority = "authority";
    public const string School = "school";
    public const string Person = "person";
    public const string Class = "class";
    public const string Import = "import";
    public const string Group = "group";
    public const string Assignment = "assignment";
    public const string Exam = "exam";
    public const string Webhook = "webhook";
    public const string Campaign = "campaign";
    public const string AutomatedServer = "automated-server";
    public const string AutomatedProfile = "automated-profile";
    public const string ContentLocation = "content-location";
}
