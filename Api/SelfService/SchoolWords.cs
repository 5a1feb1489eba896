using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.SelfService;

/// <summary>What a school sees of an iPad and may do to it, for the person who has it.</summary>
public sealed record SchoolSayView
{
    public required IReadOnlyList<string> Sees { get; init; }
    public required IReadOnlyList<string> MayDo { get; init; }
    public required IReadOnlyList<string> NeverSees { get; init; }
}

/// <summary>The same in plain words, by what the enrolment allows. Pure: nothing is promised that an iPad of this kind would not refuse.</summary>
public static class SchoolWords
{
    public static SchoolSayView Of(DeviceRow row)
    {
        if (row.Status is not (EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled))
        {
            return new SchoolSayView
            {
                Sees = ["Nothing new. The school does not manage this iPad now; it still knows what the iPad said before."],
                MayDo = ["Nothing."],
                NeverSees = [],
            };
        }

        var rights = row.AccessRights is { } sum ? (MdmAccessRights)sum : MdmAccessRights.All;
        var supervised = row.IsSupervised == true;
        // By its kind, such an enrolment reaches the school's part of the iPad only.
        var ownersPart = row.Kind == EnrolmentKind.UserEnrollment;
        bool May(MdmAccessRights right) => rights.HasFlag(right);

        List<string> sees = ["When this iPad was last in touch with the school."];
        if (May(MdmAccessRights.DeviceInformation)) sees.Add(ownersPart ? "Its model and iPadOS version." : "Its name, model, serial number and iPadOS version, its battery and how full it is.");
        if (May(MdmAccessRights.InspectProfiles)) sees.Add("Which settings the school has put on it.");
        if (May(MdmAccessRights.InspectApps)) sees.Add(ownersPart ? "Which of the school's apps are on it. Your own apps are not shown." : "Which apps are on it, your own too. Not what you do in them.");
        if (May(MdmAccessRights.SecurityQueries)) sees.Add("Whether it has a passcode. Never the passcode itself.");
        var canBeLost = supervised && !ownersPart && May(MdmAccessRights.LockAndPasscode);
        if (canBeLost) sees.Add("Where it is, only while it is in lost mode. Each look is recorded, with the name of who looked.");

        List<string> does = [];
        if (May(MdmAccessRights.ChangeProfiles)) does.Add("Put settings on it, as the Wi-Fi, and rules about what is allowed.");
        if (May(MdmAccessRights.ManageApps)) does.Add("Install the school's apps, and remove them.");
        if (May(MdmAccessRights.LockAndPasscode)) does.Add(ownersPart ? "Lock the screen." : "Lock the screen, and remove a passcode that you have forgotten.");
        if (canBeLost) does.Add("Put it into lost mode: then it is locked and shows a message.");
        if (supervised && !ownersPart) does.Add("Restart it, update iPadOS, and keep it in one app during a lesson.");
        if (May(MdmAccessRights.Erase) && !ownersPart) does.Add("Erase it. Then everything on it is gone.");
        if (ownersPart) does.Add("Remove the school's apps and what is in them.");
        if (does.Count == 0) does.Add("Nothing but looking at what stands above.");

        List<string> never = ["Your photos, messages, mail, notes and files.", "Your passwords."];
        if (!canBeLost) never.Add("Where it is.");
        if (!May(MdmAccessRights.InspectApps)) never.Add("Which apps are on it.");
        return new SchoolSayView { Sees = sees, MayDo = does, NeverSees = never };
    }
}
