namespace FleetMdm.Api.Access;

/// <summary>A role: a set of rights with a name.</summary>
/// <param name="Name">In REST, and stored.</param>
/// <param name="Title">For people.</param>
/// <param name="Words">What it is for.</param>
public sealed record Role(string Name, string Title, string Words, IReadOnlyList<string> Rights)
{
    /// <summary>Its tokens may be made to see secrets, one by one; with an administrator's it changes nothing.</summary>
    public bool MayBeGivenSecrets => Name is Roles.Viewer or Roles.Administrator;
}

/// <summary>The roles that are always there. They cannot be changed; own ones stand beside them.</summary>
public static class Roles
{
    /// <summary>The role of an administrator's token of any version. It has each right, also those that later versions add.</summary>
    public const string Administrator = "administrator";

    /// <summary>The role of a viewer's token of any version.</summary>
    public const string Viewer = "viewer";

    /// <summary>Of whoever signs in for themselves.</summary>
    public const string SelfService = "self-service";

    public const string Teacher = "teacher";

    private static readonly string[] Reading =
    [
        Rights.DeviceRead, Rights.OperationRead, Rights.ProfileRead, Rights.AppRead, Rights.SchoolRead, Rights.PeopleRead, Rights.InvitationRead, Rights.CertificateRead,
        Rights.StatusRead,
    ];

    public static readonly IReadOnlyList<Role> BuiltIn =
    [
        new(Administrator, "Administrator", "May do everything, on the server too.", [.. Rights.All.Select(right => right.Name)]),
        new("district-administrator", "District administrator", "May do everything in the district. The server's certificates and the cluster are not theirs.",
            [.. Rights.All.Select(right => right.Name).Except([Rights.CertificateChange, Rights.ClusterRead])]),
        new("school-technician", "School technician", "Sets up iPads and looks after them, erasing included. Changes no profiles, apps, people or schools.",
        [
            .. Reading, Rights.PeopleReadContact, Rights.DeviceRefresh, Rights.DeviceChange, Rights.LocationRead, Rights.GroupChange, Rights.IncidentChange, Rights.AssignmentChange, Rights.ExamChange, Rights.CommandLock, Rights.CommandClearPasscode,
            Rights.CommandLostMode, Rights.CommandErase, Rights.CommandSend, Rights.OperationStart, Rights.InvitationChange, Rights.SecretRead, Rights.SelfUse,
        ]),
        new("helpdesk", "Helpdesk", "Looks, locks, clears a passcode, starts lost mode.",
        [
            Rights.DeviceRead, Rights.DeviceRefresh, Rights.IncidentChange, Rights.CommandLock, Rights.CommandClearPasscode, Rights.CommandLostMode, Rights.SchoolRead, Rights.PeopleRead,
            Rights.StatusRead, Rights.SelfUse,
        ]),
        new("auditor", "Auditor", "Reads everything but secrets, locations and Apple's services, the audit record included. Changes nothing.",
            [.. Reading, Rights.PeopleReadContact, Rights.TokenRead, Rights.AccountRead, Rights.AuditRead, Rights.WebhookRead]),
        new(Viewer, "Viewer", "Reads, changes nothing.", Reading),
        new(Teacher, "Teacher", "Sees and helps the pupils of their own classes, in lessons. Sees nothing of the console.", [Rights.SelfUse, Rights.ClassTeach]),
        new(SelfService, "Self-service", "Sees their own iPads, and nothing else.", [Rights.SelfUse]),
    ];

    public static Role? Find(string name) => BuiltIn.FirstOrDefault(role => role.Name == name);
}
