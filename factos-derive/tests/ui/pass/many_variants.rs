//! 200 variants.

use factos::Event;

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "many.", rename_all = "kebab-case")]
enum Many {
    #[event(alias = "old0")]
    V0,
    V1 { #[tag] id: u64, text: String },
    #[event(alias = "old2")]
    V2,
    V3 { #[tag] id: u64, text: String },
    #[event(alias = "old4")]
    V4,
    V5 { #[tag] id: u64, text: String },
    #[event(alias = "old6")]
    V6,
    V7 { #[tag] id: u64, text: String },
    #[event(alias = "old8")]
    V8,
    V9 { #[tag] id: u64, text: String },
    #[event(alias = "old10")]
    V10,
    V11 { #[tag] id: u64, text: String },
    #[event(alias = "old12")]
    V12,
    V13 { #[tag] id: u64, text: String },
    #[event(alias = "old14")]
    V14,
    V15 { #[tag] id: u64, text: String },
    #[event(alias = "old16")]
    V16,
    V17 { #[tag] id: u64, text: String },
    #[event(alias = "old18")]
    V18,
    V19 { #[tag] id: u64, text: String },
    #[event(alias = "old20")]
    V20,
    V21 { #[tag] id: u64, text: String },
    #[event(alias = "old22")]
    V22,
    V23 { #[tag] id: u64, text: String },
    #[event(alias = "old24")]
    V24,
    V25 { #[tag] id: u64, text: String },
    #[event(alias = "old26")]
    V26,
    V27 { #[tag] id: u64, text: String },
    #[event(alias = "old28")]
    V28,
    V29 { #[tag] id: u64, text: String },
    #[event(alias = "old30")]
    V30,
    V31 { #[tag] id: u64, text: String },
    #[event(alias = "old32")]
    V32,
    V33 { #[tag] id: u64, text: String },
    #[event(alias = "old34")]
    V34,
    V35 { #[tag] id: u64, text: String },
    #[event(alias = "old36")]
    V36,
    V37 { #[tag] id: u64, text: String },
    #[event(alias = "old38")]
    V38,
    V39 { #[tag] id: u64, text: String },
    #[event(alias = "old40")]
    V40,
    V41 { #[tag] id: u64, text: String },
    #[event(alias = "old42")]
    V42,
    V43 { #[tag] id: u64, text: String },
    #[event(alias = "old44")]
    V44,
    V45 { #[tag] id: u64, text: String },
    #[event(alias = "old46")]
    V46,
    V47 { #[tag] id: u64, text: String },
    #[event(alias = "old48")]
    V48,
    V49 { #[tag] id: u64, text: String },
    #[event(alias = "old50")]
    V50,
    V51 { #[tag] id: u64, text: String },
    #[event(alias = "old52")]
    V52,
    V53 { #[tag] id: u64, text: String },
    #[event(alias = "old54")]
    V54,
    V55 { #[tag] id: u64, text: String },
    #[event(alias = "old56")]
    V56,
    V57 { #[tag] id: u64, text: String },
    #[event(alias = "old58")]
    V58,
    V59 { #[tag] id: u64, text: String },
    #[event(alias = "old60")]
    V60,
    V61 { #[tag] id: u64, text: String },
    #[event(alias = "old62")]
    V62,
    V63 { #[tag] id: u64, text: String },
    #[event(alias = "old64")]
    V64,
    V65 { #[tag] id: u64, text: String },
    #[event(alias = "old66")]
    V66,
    V67 { #[tag] id: u64, text: String },
    #[event(alias = "old68")]
    V68,
    V69 { #[tag] id: u64, text: String },
    #[event(alias = "old70")]
    V70,
    V71 { #[tag] id: u64, text: String },
    #[event(alias = "old72")]
    V72,
    V73 { #[tag] id: u64, text: String },
    #[event(alias = "old74")]
    V74,
    V75 { #[tag] id: u64, text: String },
    #[event(alias = "old76")]
    V76,
    V77 { #[tag] id: u64, text: String },
    #[event(alias = "old78")]
    V78,
    V79 { #[tag] id: u64, text: String },
    #[event(alias = "old80")]
    V80,
    V81 { #[tag] id: u64, text: String },
    #[event(alias = "old82")]
    V82,
    V83 { #[tag] id: u64, text: String },
    #[event(alias = "old84")]
    V84,
    V85 { #[tag] id: u64, text: String },
    #[event(alias = "old86")]
    V86,
    V87 { #[tag] id: u64, text: String },
    #[event(alias = "old88")]
    V88,
    V89 { #[tag] id: u64, text: String },
    #[event(alias = "old90")]
    V90,
    V91 { #[tag] id: u64, text: String },
    #[event(alias = "old92")]
    V92,
    V93 { #[tag] id: u64, text: String },
    #[event(alias = "old94")]
    V94,
    V95 { #[tag] id: u64, text: String },
    #[event(alias = "old96")]
    V96,
    V97 { #[tag] id: u64, text: String },
    #[event(alias = "old98")]
    V98,
    V99 { #[tag] id: u64, text: String },
    #[event(alias = "old100")]
    V100,
    V101 { #[tag] id: u64, text: String },
    #[event(alias = "old102")]
    V102,
    V103 { #[tag] id: u64, text: String },
    #[event(alias = "old104")]
    V104,
    V105 { #[tag] id: u64, text: String },
    #[event(alias = "old106")]
    V106,
    V107 { #[tag] id: u64, text: String },
    #[event(alias = "old108")]
    V108,
    V109 { #[tag] id: u64, text: String },
    #[event(alias = "old110")]
    V110,
    V111 { #[tag] id: u64, text: String },
    #[event(alias = "old112")]
    V112,
    V113 { #[tag] id: u64, text: String },
    #[event(alias = "old114")]
    V114,
    V115 { #[tag] id: u64, text: String },
    #[event(alias = "old116")]
    V116,
    V117 { #[tag] id: u64, text: String },
    #[event(alias = "old118")]
    V118,
    V119 { #[tag] id: u64, text: String },
    #[event(alias = "old120")]
    V120,
    V121 { #[tag] id: u64, text: String },
    #[event(alias = "old122")]
    V122,
    V123 { #[tag] id: u64, text: String },
    #[event(alias = "old124")]
    V124,
    V125 { #[tag] id: u64, text: String },
    #[event(alias = "old126")]
    V126,
    V127 { #[tag] id: u64, text: String },
    #[event(alias = "old128")]
    V128,
    V129 { #[tag] id: u64, text: String },
    #[event(alias = "old130")]
    V130,
    V131 { #[tag] id: u64, text: String },
    #[event(alias = "old132")]
    V132,
    V133 { #[tag] id: u64, text: String },
    #[event(alias = "old134")]
    V134,
    V135 { #[tag] id: u64, text: String },
    #[event(alias = "old136")]
    V136,
    V137 { #[tag] id: u64, text: String },
    #[event(alias = "old138")]
    V138,
    V139 { #[tag] id: u64, text: String },
    #[event(alias = "old140")]
    V140,
    V141 { #[tag] id: u64, text: String },
    #[event(alias = "old142")]
    V142,
    V143 { #[tag] id: u64, text: String },
    #[event(alias = "old144")]
    V144,
    V145 { #[tag] id: u64, text: String },
    #[event(alias = "old146")]
    V146,
    V147 { #[tag] id: u64, text: String },
    #[event(alias = "old148")]
    V148,
    V149 { #[tag] id: u64, text: String },
    #[event(alias = "old150")]
    V150,
    V151 { #[tag] id: u64, text: String },
    #[event(alias = "old152")]
    V152,
    V153 { #[tag] id: u64, text: String },
    #[event(alias = "old154")]
    V154,
    V155 { #[tag] id: u64, text: String },
    #[event(alias = "old156")]
    V156,
    V157 { #[tag] id: u64, text: String },
    #[event(alias = "old158")]
    V158,
    V159 { #[tag] id: u64, text: String },
    #[event(alias = "old160")]
    V160,
    V161 { #[tag] id: u64, text: String },
    #[event(alias = "old162")]
    V162,
    V163 { #[tag] id: u64, text: String },
    #[event(alias = "old164")]
    V164,
    V165 { #[tag] id: u64, text: String },
    #[event(alias = "old166")]
    V166,
    V167 { #[tag] id: u64, text: String },
    #[event(alias = "old168")]
    V168,
    V169 { #[tag] id: u64, text: String },
    #[event(alias = "old170")]
    V170,
    V171 { #[tag] id: u64, text: String },
    #[event(alias = "old172")]
    V172,
    V173 { #[tag] id: u64, text: String },
    #[event(alias = "old174")]
    V174,
    V175 { #[tag] id: u64, text: String },
    #[event(alias = "old176")]
    V176,
    V177 { #[tag] id: u64, text: String },
    #[event(alias = "old178")]
    V178,
    V179 { #[tag] id: u64, text: String },
    #[event(alias = "old180")]
    V180,
    V181 { #[tag] id: u64, text: String },
    #[event(alias = "old182")]
    V182,
    V183 { #[tag] id: u64, text: String },
    #[event(alias = "old184")]
    V184,
    V185 { #[tag] id: u64, text: String },
    #[event(alias = "old186")]
    V186,
    V187 { #[tag] id: u64, text: String },
    #[event(alias = "old188")]
    V188,
    V189 { #[tag] id: u64, text: String },
    #[event(alias = "old190")]
    V190,
    V191 { #[tag] id: u64, text: String },
    #[event(alias = "old192")]
    V192,
    V193 { #[tag] id: u64, text: String },
    #[event(alias = "old194")]
    V194,
    V195 { #[tag] id: u64, text: String },
    #[event(alias = "old196")]
    V196,
    V197 { #[tag] id: u64, text: String },
    #[event(alias = "old198")]
    V198,
    V199 { #[tag] id: u64, text: String },
}

fn main() {
    assert_eq!(Many::SCHEMA.types.len(), 200);
    let event = Many::V199 { id: 7, text: "x".to_owned() };
    assert_eq!(event.event_type(), "many.v199");
    let payload = event.encode().unwrap();
    assert_eq!(Many::decode(&event.event_type(), 1, &payload).unwrap(), event);
    assert_eq!(event.kind(), ManyKind::V199);
    factos::assert_distinct!(Many);
}
