using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Classroom;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.People;

namespace FleetMdm.Grains.Classroom;

/// <summary>What an iPad is to know of its classes: rules without a store, a clock or a grain.</summary>
/// <remarks>
/// A teacher's iPad knows the classes that the person teaches, with their teachers and pupils. A pupil's iPad knows the classes of the pupil, with their teachers, and of pupils its
/// own alone: who else is in the class is no business of it.
/// </remarks>
internal static class ClassroomPart
{
    /// <summary>More than any timetable; every class is in the profile of each of its teachers.</summary>
    public const int MostClasses = 100;

    /// <summary>Some 150 bytes each: the profile stays well under a megabyte.</summary>
    public const int MostPeople = 3_000;

    /// <summary>Of an iPad for which no profile can be worked out, whatever is wrong: it has none, and all the others have theirs.</summary>
    public static ClassroomWish Broken(ClassroomFacts facts, Exception exception)
    {
        var problem = $"No profile can be made of the names of its classes and people ({exception.GetType().Name}). Look for unusual characters in them; the log of the server says more.";
        return new ClassroomWish(
            facts.DeviceId, facts.Holder.Id, facts.Groups.Any(group => group.Role == PersonRole.Teacher) ? PersonRole.Teacher : PersonRole.Pupil,
            SHA256.HashData(Encoding.UTF8.GetBytes(problem)), 0, problem, [.. facts.Groups.Select(group => group.ClassId)]);
    }

    /// <returns>Null: it is to know nothing.</returns>
    public static (ClassroomContent? Content, ClassroomWish Wish)? Of(ClassroomFacts facts, SealedClassroomAuthority authority)
    {
        if (facts.Groups.Count == 0) return null;
        var isLeader = facts.Groups.Any(group => group.Role == PersonRole.Teacher);
        // Who teaches one class and learns in another one has a teacher's iPad, for the classes that they teach.
        var groups = facts.Groups.Where(group => !isLeader || group.Role == PersonRole.Teacher).ToList();
        var users = groups.SelectMany(group => group.Teachers.Concat(group.Pupils)).Append(facts.Holder).DistinctBy(one => one.Id).OrderBy(one => one.Id, StringComparer.Ordinal).ToList();
        var content = new ClassroomContent
        {
            OrganizationUuid = authority.OrganizationUuid,
            OrganizationName = authority.Organization,
            UserId = facts.Holder.Id,
            IsLeader = isLeader,
            Groups =
            [
                .. groups.Where(group => group.Beacon is not null).OrderBy(group => group.Beacon).Select(group => new ClassroomGroup(
                    group.Beacon!.Value, group.Name, [.. group.Teachers.Select(one => one.Id)], [.. group.Pupils.Select(one => one.Id)])),
            ],
            Users = [.. users.Select(one => new ClassroomUser(one.Id, one.GivenName, one.FamilyName))],
            LeaderAnchors = [.. authority.Leaders.Select(ca => ca.Certificate.Certificate)],
            MemberAnchors = [.. authority.Members.Select(ca => ca.Certificate.Certificate)],
        };
        var problem = groups.Exists(group => group.Beacon is null) ? $"There are more classes than iPads can tell apart ({IClassroomStore.MostBeacons.ToString("N0", CultureInfo.InvariantCulture)}). Archive or delete classes."
            : groups.Count > MostClasses ? $"The person is in {groups.Count} classes. A profile holds {MostClasses} at most."
            : users.Count > MostPeople ? $"The classes have {users.Count.ToString("N0", CultureInfo.InvariantCulture)} people. A profile holds {MostPeople.ToString("N0", CultureInfo.InvariantCulture)} at most."
            : null;
        return (problem is null ? content : null, new ClassroomWish(
            facts.DeviceId, facts.Holder.Id, isLeader ? PersonRole.Teacher : PersonRole.Pupil, content.Hash(), users.Count, problem, [.. groups.Select(group => group.ClassId)]));
    }
}
