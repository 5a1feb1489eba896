using System.Security.Cryptography;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Classroom;

/// <summary>Someone whom an iPad knows of.</summary>
/// <param name="Id">The same on all iPads of the organisation.</param>
public sealed record ClassroomUser(string Id, string GivenName, string FamilyName)
{
    public string Name => $"{GivenName} {FamilyName}".Trim();
}

/// <summary>A class, as the iPad of one of its teachers or pupils knows it.</summary>
/// <param name="Beacon">1 to 65,535; no other class of the organisation has it.</param>
/// <param name="Members">On a pupil's iPad: the pupil alone.</param>
public sealed record ClassroomGroup(int Beacon, string Name, IReadOnlyList<string> Leaders, IReadOnlyList<string> Members);

/// <summary>What an iPad is to know for Apple's Classroom, without the certificate by which it shows itself.</summary>
public sealed record ClassroomContent
{
    /// <summary>iPads with another one do not talk to each other.</summary>
    public required Guid OrganizationUuid { get; init; }
    public required string OrganizationName { get; init; }
    public required string UserId { get; init; }
    /// <summary>It is a teacher's iPad.</summary>
    public required bool IsLeader { get; init; }
    public required IReadOnlyList<ClassroomGroup> Groups { get; init; }
    public required IReadOnlyList<ClassroomUser> Users { get; init; }
    /// <summary>DER, of all CAs whose teachers are believed.</summary>
    public required IReadOnlyList<byte[]> LeaderAnchors { get; init; }
    /// <summary>Likewise pupils.</summary>
    public required IReadOnlyList<byte[]> MemberAnchors { get; init; }

    /// <summary>Equal exactly when the content is: no time, no key and nothing random is in it.</summary>
    public byte[] Hash()
    {
        var content = new PlistDictionary
        {
            ["Organization"] = OrganizationUuid.ToString("D"),
            ["OrganizationName"] = ClassroomProfile.Plain(OrganizationName),
            ["User"] = UserId,
            ["IsLeader"] = IsLeader,
            ["Groups"] = ClassroomProfile.Groups(this),
            ["Users"] = ClassroomProfile.Users(this),
            ["LeaderAnchors"] = new PlistArray(LeaderAnchors.Select(one => (PlistNode)one)),
            ["MemberAnchors"] = new PlistArray(MemberAnchors.Select(one => (PlistNode)one)),
        };
        return SHA256.HashData(PlistWriter.ToBytes(content));
    }
}
