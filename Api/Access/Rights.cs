using System.Collections.Frozen;

namespace FleetMdm.Api.Access;

/// <summary>A right: one verb that a role may have.</summary>
/// <param name="Name">Stored and sent as text: never rename one.</param>
/// <param name="Group">Under which it stands on pages and in documents.</param>
/// <param name="Words">What it lets somebody do, after "may".</param>
/// <param name="With">A role with it has this one too; null: it stands alone.</param>
/// <param name="ForSchools">It can be had for some schools. One that cannot is of no use to a token that is for some schools, whatever its role has.</param>
public sealed record Right(string Name, string Group, string Words, string? With = null, bool ForSchools = true);

/// <summary>All rights. Each endpoint and page names its own where it is mapped (<see cref="NeededRights"/>); a command needs the one of its request type
/// (<see cref="CommandRights"/>).</summary>
public static class Rights
{
    /// <summary>iPads: the list, one of them, what is on it, its commands, claims, placeholders.</summary>
    public const string DeviceRead = "device.read";
    /// <summary>Pushes, and commands that only ask.</summary>
    public const string DeviceRefresh = "device.refresh";
    /// <summary>Removal, re-enrolment, claims, placeholders, the renewal of an identity.</summary>
    public const string DeviceChange = "device.change";
    public const string LocationRead = "location.read";
    public const string GroupChange = "group.change";
    public const string IncidentChange = "incident.change";
    /// <summary>What iPads should have. Besides, the right of each command that brings it.</summary>
    public const string AssignmentChange = "assignment.change";

    /// <summary>Exams. Besides, the right of the command that locks and releases.</summary>
    public const string ExamChange = "exam.change";

    /// <summary>Every command that has no right of its own.</summary>
    public const string CommandSend = "command.send";
    public const string CommandLock = "command.lock";
    public const string CommandClearPasscode = "command.clearPasscode";
    public const string CommandLostMode = "command.lostMode";
    public const string CommandErase = "command.erase";

    public const string OperationRead = "operation.read";
    /// <summary>Starting, trying and cancelling; each command needs its own right besides.</summary>
    public const string OperationStart = "operation.start";

    public const string ProfileRead = "profile.read";
    public const string ProfileChange = "profile.change";
    public const string AppRead = "app.read";
    public const string AppChange = "app.change";

    public const string SchoolRead = "school.read";
    public const string SchoolChange = "school.change";
    public const string PeopleRead = "people.read";
    /// <summary>Addresses, accounts and ids, beside names.</summary>
    public const string PeopleReadContact = "people.readContact";
    /// <summary>People, classes and imports of both.</summary>
    public const string PeopleChange = "people.change";

    public const string InvitationRead = "invitation.read";
    public const string InvitationChange = "invitation.change";

    /// <summary>Automated Device Enrolment: services of Apple School Manager, their iPads, those that wait in Setup Assistant. Apps and Books: locations and licences.</summary>
    public const string AutomatedRead = "automated.read";
    /// <summary>Server tokens and content tokens, enrolment profiles, and which iPad gets which.</summary>
    public const string AutomatedChange = "automated.change";

    /// <summary>The push certificate, the CAs, and which identities end.</summary>
    public const string CertificateRead = "certificate.read";
    public const string CertificateChange = "certificate.change";
    /// <summary>The state of the server, and its metrics.</summary>
    public const string StatusRead = "status.read";
    /// <summary>The cluster's dashboard: grains, their keys, the log.</summary>
    public const string ClusterRead = "cluster.read";

    /// <summary>Tokens and roles.</summary>
    public const string TokenRead = "token.read";
    public const string TokenChange = "token.change";
    /// <summary>People who sign in, and their sessions.</summary>
    public const string AccountRead = "account.read";
    /// <summary>Accounts, links to set a password, the end of sessions.</summary>
    public const string AccountChange = "account.change";
    public const string AuditRead = "audit.read";
    /// <summary>Webhooks, what waits for them and what was given up.</summary>
    public const string WebhookRead = "webhook.read";
    /// <summary>Webhooks and their secrets; also trying one out, and sending again.</summary>
    public const string WebhookChange = "webhook.change";
    /// <summary>Links of open invitations, codes of Activation Lock, answers and profiles with secrets in them. Each look is recorded.</summary>
    public const string SecretRead = "secret.read";

    /// <summary>The page of one's own iPads: of the person whom the account is linked to, and of nobody else.</summary>
    public const string SelfUse = "self.use";
    /// <summary>The page of a teacher: the classes that the linked person teaches, and no others.</summary>
    public const string ClassTeach = "class.teach";

    public static readonly IReadOnlyList<Right> All =
    [
        new(DeviceRead, "iPads", "see iPads, what is on them and their commands"),
        new(DeviceRefresh, "iPads", "send a push, and ask an iPad how it is", DeviceRead),
        new(DeviceChange, "iPads", "remove iPads, hand them out, allow re-enrolment, write placeholders", DeviceRead),
        new(LocationRead, "iPads", "see where a lost iPad is, with a reason", DeviceRead),
        new(GroupChange, "iPads", "create groups and choose their iPads", DeviceRead),
        new(IncidentChange, "iPads", "write notes, open and close incidents", DeviceRead),
        new(AssignmentChange, "iPads", "assign profiles, apps and settings to iPads", DeviceRead),
        new(ExamChange, "iPads", "lock iPads for an exam, and release them", DeviceRead),
        new(CommandLock, "Commands", "lock an iPad", DeviceRead),
        new(CommandClearPasscode, "Commands", "clear a passcode", DeviceRead),
        new(CommandLostMode, "Commands", "start and end lost mode, play a sound, ask for the location", DeviceRead),
        new(CommandErase, "Commands", "erase an iPad, delete users of a Shared iPad", DeviceRead),
        new(CommandSend, "Commands", "send every other command", DeviceRead),
        new(OperationRead, "Operations", "see operations", DeviceRead),
        new(OperationStart, "Operations", "send a command to many iPads, and cancel it", OperationRead),
        new(ProfileRead, "Profiles and apps", "see profiles of the library"),
        new(ProfileChange, "Profiles and apps", "change profiles of the library, and publish them", ProfileRead, ForSchools: false),
        new(AppRead, "Profiles and apps", "see in-house apps"),
        new(AppChange, "Profiles and apps", "upload and delete in-house apps", AppRead, ForSchools: false),
        new(SchoolRead, "District", "see schools"),
        new(SchoolChange, "District", "change schools", SchoolRead, ForSchools: false),
        new(PeopleRead, "District", "see people and classes, by name"),
        new(PeopleReadContact, "District", "see addresses, accounts and ids of people", PeopleRead),
        new(PeopleChange, "District", "change and import people and classes", PeopleReadContact),
        new(InvitationRead, "Enrolment", "see invitations, without their links"),
        new(InvitationChange, "Enrolment", "create and revoke invitations", InvitationRead),
        new(AutomatedRead, "Enrolment", "see Automated Device Enrolment (services, iPads, enrolment profiles) and Apps and Books (locations, licences)", ForSchools: false),
        new(AutomatedChange, "Enrolment", "change server tokens, content tokens and enrolment profiles, and which iPad gets which", AutomatedRead, ForSchools: false),
        new(CertificateRead, "Server", "see the push certificate, the CAs and which identities end", ForSchools: false),
        new(CertificateChange, "Server", "change the push certificate and the CAs", CertificateRead, ForSchools: false),
        new(StatusRead, "Server", "see the state of the server and its metrics", ForSchools: false),
        new(ClusterRead, "Server", "open the cluster's dashboard", ForSchools: false),
        new(TokenRead, "Access", "see tokens and roles", ForSchools: false),
        new(TokenChange, "Access", "create and revoke tokens, change roles", TokenRead, ForSchools: false),
        new(AccountRead, "Access", "see accounts of people who sign in", ForSchools: false),
        new(AccountChange, "Access", "create, change and delete accounts, make links to set a password", AccountRead, ForSchools: false),
        new(AuditRead, "Access", "read the audit record", ForSchools: false),
        new(WebhookRead, "Access", "see webhooks and what they were told", ForSchools: false),
        new(WebhookChange, "Access", "create, change and delete webhooks, and send events again", WebhookRead, ForSchools: false),
        new(SecretRead, "Access", "see secrets: links of invitations, codes of Activation Lock, answers with secrets in them"),
        new(SelfUse, "Own", "use the page of their own iPads"),
        new(ClassTeach, "Own", "use the teacher's page for their own classes"),
    ];

    /// <summary>For sending a command, whichever.</summary>
    public static readonly string[] AnyCommand = [DeviceRefresh, CommandLock, CommandClearPasscode, CommandLostMode, CommandErase, CommandSend];

    private static readonly FrozenDictionary<string, Right> ByName = All.ToFrozenDictionary(right => right.Name, StringComparer.Ordinal);

    public static bool IsKnown(string name) => ByName.ContainsKey(name);

    /// <summary>With its words.</summary>
    public static Right Of(string name) => ByName[name];

    /// <summary>Whether it lets somebody look only. A request that changes something needs one that does not.</summary>
    public static bool OnlyReads(string name) => name.EndsWith(".read", StringComparison.Ordinal) || name == PeopleReadContact;
}
