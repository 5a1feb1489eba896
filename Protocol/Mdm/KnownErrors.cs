namespace FleetMdm.Protocol.Mdm;

/// <summary>What an error of an iPad means, and what helps, in our words, for the few that are documented. Apple may change codes with any release: this is for people.</summary>
public static class KnownErrors
{
    private const string Mdm = "MCMDMErrorDomain";

    /// <summary>Null: the code is not known.</summary>
    public static string? Explain(string? domain, long? code) => (domain, code) switch
    {
        (Mdm, 12067) => "The iPad is not in lost mode. Send EnableLostMode first.",
        (Mdm, 12068) => "The iPad does not know where it is. Ask again later.",
        (Mdm, 12071) => "The iPad has no user of this name. Send UserList to see whom it has.",
        (Mdm, 12072) => "This user is signed in. Send LogOutUser first.",
        (Mdm, 12073) => "This user has data that is not in iCloud yet. Wait, or delete the user with ForceDeletion: the data is lost then.",
        (Mdm, 12074) => "The iPad cannot delete this user now.",
        (Mdm, 12078) => "The iPad is in lost mode and does nothing else. Send DisableLostMode first.",
        ("ASDErrorDomain", 506) => "The iPad is installing this app already. Nothing has to be done.",
        _ => null,
    };
}
