using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Teaching;

/// <summary>What a teacher sees: their own classes, who is in them, and these pupils' iPads. Each method takes the teacher: what is of another class does not exist.</summary>
/// <remarks>A class that has ended, or is not active, is nobody's. Who has left teaches nothing.</remarks>
public interface ITeachingStore
{
    /// <summary>By name.</summary>
    /// <param name="scope">What the rights of the account cover, besides.</param>
    /// <param name="teacherId">The person.</param>
    /// <param name="today">The last day of a class must not be over.</param>
    Task<IReadOnlyList<TaughtClass>> ListClasses(Scope scope, string teacherId, DateOnly today);

    Task<TaughtClass?> FindClass(Scope scope, string teacherId, string classId, DateOnly today);

    /// <summary>By family name; a pupil with several iPads has a row for each. Empty: nobody, or it is not a class of theirs.</summary>
    Task<IReadOnlyList<PupilDevice>> ListPupils(Scope scope, string teacherId, string classId, DateOnly today);

    /// <summary>An enrolled iPad of a pupil of this class.</summary>
    Task<PupilDevice?> FindDevice(Scope scope, string teacherId, string classId, string deviceId, DateOnly today);

    /// <summary>The apps that iPads of this class told that they have: those on the most iPads first.</summary>
    /// <param name="text">A part of the name or the identifier, in whatever case; null: all.</param>
    Task<IReadOnlyList<TaughtApp>> ListApps(Scope scope, string teacherId, string classId, DateOnly today, string? text, int limit);

    /// <summary>One of them, by its bundle identifier; null: no iPad of the class has it.</summary>
    Task<TaughtApp?> FindApp(Scope scope, string teacherId, string classId, DateOnly today, string identifier);

    /// <summary>Those of these iPads that told their apps, and do not have this one.</summary>
    Task<IReadOnlySet<string>> WithoutApp(IReadOnlyList<string> deviceIds, string identifier);
}

/// <param name="Identifier">Its bundle identifier.</param>
/// <param name="Name">As iPads tell it.</param>
/// <param name="Devices">On so many iPads of the class.</param>
public sealed record TaughtApp(string Identifier, string Name, long Devices);

/// <param name="Class">As it stands.</param>
/// <param name="School">The name of its school.</param>
/// <param name="TimeZone">Of the school; null: nobody said.</param>
/// <param name="Hours">Of the school; none: nobody said.</param>
/// <param name="Pupils">How many.</param>
/// <param name="IPads">Enrolled ones that they have.</param>
public sealed record TaughtClass(SchoolClass Class, string School, string? TimeZone, IReadOnlyList<SchoolHours> Hours, long Pupils, long IPads);

/// <param name="Pupil">Who.</param>
/// <param name="Device">What they have, while it is enrolled; null: none.</param>
public sealed record PupilDevice(Person Pupil, DeviceRow? Device);
